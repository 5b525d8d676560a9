/** Workers compile kernels of libmlx into folders of their own: it does not wait for files that others still write. */
import { tmpdir } from "node:os";
import { join } from "node:path";

process.env.MLX_PTX_CACHE_DIR ??= join(tmpdir(), `abstractllm-kernels-${process.env.VITEST_POOL_ID}`);
