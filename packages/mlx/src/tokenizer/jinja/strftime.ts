const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const two = (value: number): string => value.toString().padStart(2, "0");
const twelve = (hour: number): number => hour % 12 || 12;

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (DAYS[date.getDay()] ?? "").slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? "",
  w: (date) => date.getDay().toString(),
  u: (date) => (date.getDay() || 7).toString(),
  d: (date) => two(date.getDate()),
  e: (date) => date.getDate().toString().padStart(2, " "),
  b: (date) => (MONTHS[date.getMonth()] ?? "").slice(0, 3),
  h: (date) => (MONTHS[date.getMonth()] ?? "").slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? "",
  m: (date) => two(date.getMonth() + 1),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => date.getFullYear().toString(),
  H: (date) => two(date.getHours()),
  I: (date) => two(twelve(date.getHours())),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  f: (date) => (date.getMilliseconds() * 1000).toString().padStart(6, "0"),
  j: (date) => dayOfYear(date).toString().padStart(3, "0"),
  F: (date) => formatTime(date, "%Y-%m-%d"),
  T: (date) => formatTime(date, "%H:%M:%S"),
  R: (date) => formatTime(date, "%H:%M"),
  D: (date) => formatTime(date, "%m/%d/%y"),
  c: (date) => formatTime(date, "%a %b %e %H:%M:%S %Y"),
  x: (date) => formatTime(date, "%m/%d/%y"),
  X: (date) => formatTime(date, "%H:%M:%S"),
  // a naive datetime has no zone
  z: () => "",
  Z: () => "",
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

/** Python's `strftime` in the C locale, of local time. A directive it does not know stays as it is. */
export function formatTime(date: Date, format: string): string {
  return format.replace(/%(-?)(.)/gsu, (whole, dash: string, directive: string) => {
    const text = Object.hasOwn(DIRECTIVES, directive) ? DIRECTIVES[directive]?.(date) : undefined;
    if (text === undefined) return whole;
    return dash === "-" ? text.replace(/^[0 ]+(?=\d)/, "") : text;
  });
}

function dayOfYear(date: Date): number {
  const noon = new Date(date.getFullYear(), date.getMonth(), date.getDate(), 12);
  const first = new Date(date.getFullYear(), 0, 1, 12);
  return Math.round((noon.getTime() - first.getTime()) / 86_400_000) + 1;
}
