# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of weir for bash. The lists are filled in when weir is built.

# _weir_option COMMAND NAME [VALUE]: VALUE is the words, or the name, of what the option takes.
_weir_option()
{
	[[ $1 == "$_weir_command" ]] || return
	_weir_names+=("$2")
	[[ $2 == "$_weir_before" && -n ${3-} ]] && _weir_value=$3
}

_weir_table()
{
@OPTIONS weir@
@OPTIONS sum@
@COMMANDS@
	_weir_commands+=(help)
}

_weir()
{
	local current=${COMP_WORDS[COMP_CWORD]} _weir_before=${COMP_WORDS[COMP_CWORD-1]}
	local _weir_command=weir _weir_value='' prefix='' i
	local -a _weir_names=() _weir_commands=() words=()

	# bash hands over --name=value as three words.
	if [[ $current == '=' ]]; then
		current=''
	elif [[ $_weir_before == '=' ]] && ((COMP_CWORD > 2)); then
		_weir_before=${COMP_WORDS[COMP_CWORD-2]}
	fi

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] && continue
		_weir_command=${COMP_WORDS[i]}
		break
	done
	_weir_table

	COMPREPLY=()
	case $_weir_value in
	FILE) return ;; # readline completes file names when nothing else does
	*' '*)
		# A list with commas: complete what is behind the last.
		[[ $current == *,* ]] && prefix=${current%,*},
		words=("${_weir_value}")
		current=${current##*,}
		;;
	?*) compopt +o default; return ;; # a number, a size: there is nothing to offer
	*)
		if [[ $current == -* ]]; then
			words=("${_weir_names[@]}")
		elif [[ $_weir_command == weir || $_weir_before == help ]]; then
			words=("${_weir_commands[@]}")
		else
			return
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "${words[*]}" -- "$current")
}

complete -o default -F _weir weir
