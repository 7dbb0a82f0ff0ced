/* SPDX-License-Identifier: MIT */
/* An intrusive, doubly linked, circular list; a head is a list_node too. */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *prev, *next;
};

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *head)
{
	head->prev = head->next = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
	return head->next == head;
}

/* Inserts node behind `at`; with a head, that is the front. */
static inline void list_insert_after(struct list_node *at, struct list_node *node)
{
	node->prev = at;
	node->next = at->next;
	at->next->prev = node;
	at->next = node;
}

static inline void list_push_back(struct list_node *head, struct list_node *node)
{
	list_insert_after(head->prev, node);
}

/* Leaves node as an empty list, so removing twice does no harm. */
static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The first node, taken out, or NULL. */
static inline struct list_node *list_pop_front(struct list_node *head)
{
	if (list_is_empty(head))
		return NULL;
	struct list_node *node = head->next;
	list_remove(node);
	return node;
}

#endif
