# SPDX-License-Identifier: Apache-2.0
BUILD ?= build
SANITIZED ?= build-sanitize
PREFIX ?= /usr/local

.PHONY: all demo check bench install clean packages-build packages-demo packages-check packages-bench sanitize

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup --prefix=$(PREFIX) $(BUILD)

packages-build:
	tools/install-packages tools/packages/build

packages-demo:
	tools/install-packages tools/packages/build tools/packages/demo

packages-check:
	tools/install-packages tools/packages/build tools/packages/demo tools/packages/check tests/e2e/packages tests/vm/packages

packages-bench:
	tools/install-packages tools/packages/build tools/packages/demo tools/packages/bench

# Installs what is needed, builds, and shows an image of Debian packages from its making to its end.
demo: packages-demo all-after-packages-demo
	tools/demo $(BUILD)

# The packages have to be there before meson looks for them.
all-after-packages-%: packages-%
	@test -e $(BUILD)/build.ninja || meson setup --prefix=$(PREFIX) $(BUILD)
	ninja -C $(BUILD)

# The same sources with the address and undefined behaviour sanitizers.
sanitize:
	@test -e $(SANITIZED)/build.ninja || meson setup -Dbuildtype=debugoptimized -Db_sanitize=address,undefined $(SANITIZED)
	ninja -C $(SANITIZED)

# Everything that is tested; GROUPS="unit e2e" runs a part (tests/run --list).
check: packages-check all-after-packages-check
	tests/run --build $(BUILD) --sanitized $(SANITIZED) $(GROUPS)

bench: packages-bench all-after-packages-bench
	tests/bench/run.sh $(BUILD)/holt-oci
	tests/bench/images.py $(BUILD)
	tests/bench/instances.py $(BUILD)
	tests/bench/machines.py $(BUILD)

install: all
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(SANITIZED)
