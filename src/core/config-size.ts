/** Ten thousand roles fit; a file beyond it is not a config. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** What a load, an edit and a check say of one beyond it. */
export const CONFIG_TOO_LARGE = `is too large: a config has at most ${MAX_CONFIG_BYTES / 1024} KiB`;
