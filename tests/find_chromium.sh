#!/usr/bin/env bash
# Print the path of a Chromium for the browser tests; install Debian's where there is none.
set -eu
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name"; then exit 0; fi
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update && apt-get install -y --no-install-recommends chromium; } >&2
  command -v chromium && exit 0
fi
echo "No Chromium found. Install one (Debian: sudo apt-get install chromium) or set CHROMIUM=/path/to/it." >&2
exit 1
