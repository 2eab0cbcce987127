interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names for its numbers, from `min` on. */
  readonly words?: readonly string[];
}

const FIELDS: readonly CronField[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day", min: 1, max: 31 },
  {
    ...{ name: "month", min: 1, max: 12 },
    words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { name: "weekday", min: 0, max: 7, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const FIVE_FIELDS = 'must be the five fields of cron, minute hour day month weekday, like "0 19 * * 1-5"';
const DAYS_OF_MONTH: readonly number[] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * What of a text is no time of cron, to be read on after the name of its field; undefined: nothing. Numbers, names, lists, ranges
 * and steps: what every cron knows. Read here, because a start does not wait for node-cron, which plans by them later.
 */
export function problemOfCron(cron: string): string | undefined {
  const texts = cron.split(" ");
  if (texts.length !== FIELDS.length) return `${FIVE_FIELDS}, not ${JSON.stringify(cron)}`;
  const values = FIELDS.map((field, index) => valuesOf(texts[index] ?? "", field));
  const wrong = values.indexOf(undefined);
  if (wrong >= 0) return `${FIVE_FIELDS}: its ${FIELDS[wrong]?.name ?? ""} cannot be ${JSON.stringify(texts[wrong])}`;
  const [, , days = [], months = []] = values;
  const comes = months.some((month) => days.some((day) => day <= (DAYS_OF_MONTH[month - 1] ?? 0)));
  return comes ? undefined : `never comes: month ${texts[3] ?? ""} has no day ${texts[2] ?? ""}`;
}

function valuesOf(text: string, field: CronField): readonly number[] | undefined {
  const parts = text.split(",").map((part) => valuesOfPart(part, field));
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

/** `*`, `5`, `1-5`, and with a step of them all but one number. */
function valuesOfPart(text: string, field: CronField): readonly number[] | undefined {
  const [range = "", ...steps] = text.split("/");
  const [from, to] = endsOf(range, field);
  const step = steps.length === 0 ? 1 : stepIn(steps, range);
  if (from === undefined || to === undefined || from > to || step === undefined) return undefined;
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function endsOf(range: string, field: CronField): readonly (number | undefined)[] {
  if (range === "*") return [field.min, field.max];
  const ends = range.split("-").map((end) => numberOf(end, field));
  return ends.length === 2 ? ends : [ends[0], ends.length === 1 ? ends[0] : undefined];
}

function stepIn([text = "", ...more]: readonly string[], range: string): number | undefined {
  const isRange = range === "*" || range.includes("-");
  return isRange && more.length === 0 && /^[1-9]\d?$/.test(text) ? Number(text) : undefined;
}

function numberOf(text: string, { min, max, words = [] }: CronField): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  const number = word >= 0 ? word + min : /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  return number >= min && number <= max ? number : undefined;
}
