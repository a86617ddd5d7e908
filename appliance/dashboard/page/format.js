// Figures as people read them; the same steps as `cloisterctl status`.

function scaled(value, step, units) {
  let unit = 0;
  while (value >= step && unit + 1 < units.length) {
    value /= step;
    ++unit;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${units[unit]}`;
}

export const rate = (bits) => scaled(bits, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);
export const size = (bytes) => scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
export const count = (number) => scaled(number, 1000, ['/s', 'k/s', 'M/s', 'G/s']);
export const percent = (ratio) => (ratio === null ? 'unknown yet' : `${(100 * ratio).toFixed(2)} %`);
export const keys = (number) => `${Math.round(number)}`;

export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}
