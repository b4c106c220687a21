/** Far above any token (a few KiB). A larger file was put there by mistake and is not read into memory; a longer bearer token is none. */
export const MAX_TOKEN_BYTES = 64 * 1024;
