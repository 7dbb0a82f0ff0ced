# SPDX-License-Identifier: MIT
# A short face for Meson and Ninja, which do the work in build/.

BUILD := build
prefix ?= $(or $(PREFIX),/usr/local)
DESTDIR ?=
PATHS ?= /usr/share
MANIFEST := $(BUILD)/manifest.b3

.PHONY: all deps run check bench install format clean distclean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

# What meson has to say is shown when it fails; of a success, only what is left out.
$(BUILD)/build.ninja:
	@missing=; \
	for tool in cc meson ninja pkg-config; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	[ -z "$$missing" ] || { echo "missing:$$missing ('make deps' installs what is needed)"; exit 1; }
	@mkdir -p $(BUILD)
	@meson setup $(BUILD) --prefix="$(prefix)" -Dtests=disabled >$(BUILD)/setup.log 2>&1 || { \
		cat $(BUILD)/setup.log; \
		echo "Is a library missing? 'make deps' installs what is needed."; \
		exit 1; }
	@echo "$(prefix)" >$(BUILD)/prefix
	@grep WARNING: $(BUILD)/setup.log || true

# Installs what the build needs (apt-get, with sudo when not root).
deps:
	@tools/install-deps build

# Checksums a real tree: make run PATHS="/etc /usr/lib"
run: deps
	@$(MAKE) --no-print-directory all
	$(BUILD)/weir sum -o $(MANIFEST) -- $(PATHS)
	@echo "The checksums are in $(MANIFEST). To verify them: $(BUILD)/weir sum --check $(MANIFEST)"

# Installs what the tests need, and runs all of them.
check:
	@tools/install-deps check
	@tools/check

# Times weir beside b3sum, xxhsum, sha256sum and others: make bench PATHS=/usr/share
bench: all
	@tools/install-deps check
	@bench/compare --weir $(BUILD)/weir $(firstword $(PATHS))

install: all
	@[ "$$(cat $(BUILD)/prefix)" = "$(prefix)" ] || { \
		meson configure $(BUILD) -Dprefix="$(prefix)" && echo "$(prefix)" >$(BUILD)/prefix; }
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --quiet

format:
	@find include lib cli tests examples -name '*.[ch]' -exec clang-format -i {} +

clean:
	@[ ! -f $(BUILD)/build.ninja ] || ninja -C $(BUILD) -t clean >/dev/null

distclean:
	rm -rf $(BUILD) $(BUILD)-*
