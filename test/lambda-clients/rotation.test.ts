import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { DeployedRoom } from "./deployed-room.js";
import { ACCOUNT, FUNCTIONS, LANGUAGES, type Language, SERVICE_ROLE } from "./deployment.js";

const SESSION_SECONDS = 20;
/** Past the end of the first key that a function can have got. */
const WATCH_SECONDS = SESSION_SECONDS + 5;

let room: DeployedRoom;
const outcomes = new Map<Language, Outcome>();

/** One invocation in each language, all at once: each goes on asking AWS while keys come and end. */
beforeAll(async () => {
  room = await DeployedRoom.open({ sessionSeconds: SESSION_SECONDS });
  const watch = { do: "watch", seconds: WATCH_SECONDS };
  await Promise.all(LANGUAGES.map(async (language) => outcomes.set(language, await room.invoke(language, watch))));
}, 180_000);
afterAll(async () => room.close());

describe.each(LANGUAGES)("an invocation longer than its credentials live, in %s", (language) => {
  it("goes on as the same role", () => {
    const { code, stdout } = outcomes.get(language)!;

    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/${SERVICE_ROLE}/${FUNCTIONS[language].name}`;
    expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({ code: 0, answer: { arns: [arn] } });
  });

  it("signs with a second key when the first has ended, and no call is refused", () => {
    const calls = room.proxy.callsOf(language);

    const [first = "", ...others] = room.proxy.keysOf(language);
    expect(others.length).toBeGreaterThanOrEqual(1);
    expect(calls.at(-1)!.at).toBeGreaterThan(room.proxy.endOf(first));
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(calls.length).toBeGreaterThan(WATCH_SECONDS);
  });
});
