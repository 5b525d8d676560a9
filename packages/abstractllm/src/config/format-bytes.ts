const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes as people read them, in powers of 1000 as Hugging Face shows them. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
