/** The libmlx release the addon is built against. MLX's C++ API is not stable between releases. */
export const MLX_VERSION = "0.32.4";
