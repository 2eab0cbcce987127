import { styleText } from "node:util";

export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What stdout can show. */
export interface Screen {
  /** undefined: a file or pipe, whose lines are as long as they are. */
  readonly columns: number | undefined;
  readonly colour: boolean;
}

export const NO_SCREEN: Screen = { columns: undefined, colour: false };
/** Where a terminal does not say, as over some serial lines: it gives 0. */
const USUAL_COLUMNS = 80;

export type Style = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";
type Environment = Readonly<Record<string, string | undefined>>;

/** Of a stream that is opened only when its width is asked for. */
export function screenOf(stream: TextStream, env: Environment): Screen {
  const colour = hasColour(stream, env);
  return {
    colour,
    get columns() {
      return stream.isTTY === true ? columnsOf(stream) : undefined;
    },
  };
}

/** Of a terminal. */
export function columnsOf({ columns = 0 }: TextStream): number {
  return columns > 0 ? columns : USUAL_COLUMNS;
}

/**
 * Only on a terminal. FORCE_COLOR goes before NO_COLOR (https://no-color.org: any value that is not empty) and TERM=dumb,
 * as in Node itself; what is piped has no colour even so: machines read it.
 */
export function hasColour(stream: TextStream, env: Environment): boolean {
  if (stream.isTTY !== true) return false;
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  return !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** We decide by our own stream: newer versions of Node would look at stdout. */
export function paint(text: string, style: Style): string {
  return styleText(style, text, { validateStream: false });
}
