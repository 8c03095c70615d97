#!/usr/bin/env bash
# Make a base image without a registry: Debian's minimal system by debootstrap, less documentation and locales.
#
#   container/base.sh [SUITE [IMAGE]]        default: bookworm localhost/debian:SUITE-slim
#
# Needs root, debootstrap and podman. Certificate authorities that this machine trusts beyond Debian's own
# (/usr/local/share/ca-certificates) are trusted in the base as well, so that pip works behind a proxy with its own.
set -euo pipefail

suite=${1:-bookworm}
image=${2:-localhost/debian:$suite-slim}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates "$suite" "$root/base" > "$root/log" 2>&1 || {
  tail -n 20 "$root/log" >&2
  exit 1
}
own=(/usr/local/share/ca-certificates/*.crt)
if [ -e "${own[0]}" ]; then
  cp "${own[@]}" "$root/base/usr/local/share/ca-certificates/"
  chroot "$root/base" update-ca-certificates > /dev/null 2>&1
fi
# As Debian's slim images: dpkg leaves these out from now on, and what debootstrap unpacked goes.
cat > "$root/base/etc/dpkg/dpkg.cfg.d/slim" <<'CONFIG'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
CONFIG
find "$root/base/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$root"/base/usr/share/{info,locale,man}/* "$root"/base/var/cache/apt/* "$root"/base/var/lib/apt/lists/* \
  "$root"/base/var/log/*.log "$root"/base/var/log/apt
tar --directory "$root/base" --create --numeric-owner . | podman import --quiet --change 'CMD ["/bin/bash"]' - "$image"
