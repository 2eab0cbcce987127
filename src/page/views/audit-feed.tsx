import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import { quotedReason } from "../../core/access-request.js";
import type { AuditLine } from "../../core/audit-line.js";
import { KEPT_LINES } from "../connection/record-lines.js";
import { usePage } from "../parts/page-context.js";
import { RowList, Search } from "../parts/row-list.js";
import { Badge, Hint, Section } from "../parts/small-parts.js";
import { programText } from "../words/leases.js";
import { eventWord, filterRecord, RECORD_GROUPS, type RecordGroup } from "../words/record.js";
import { toTheSecond, wallClock } from "../words/when.js";
import { WhoDialog } from "./who-dialog.js";

interface AuditProps {
  readonly status: StatusView;
  readonly lines: readonly AuditLine[];
  readonly now: number;
}

/** The audit feed: the newest first, as it is written; it can be held still to be read. */
export function AuditFeed({ status, lines, now }: AuditProps): JSX.Element {
  const [group, setGroup] = useState<RecordGroup>("all");
  const [text, setText] = useState("");
  const [held, setHeld] = useState<readonly AuditLine[] | null>(null);
  const rows = filterRecord(held ?? lines, { group, text });
  return (
    <Section
      id="audit"
      title="Audit"
      note={`The newest ${KEPT_LINES} lines; all of it: brokerctl audit.`}
      tools={
        <>
          <WhoHas status={status} />
          <Search label="Role, lease, program, directory" value={text} onInput={setText} />
          <label class="select">
            <span class="for-readers">What is shown</span>
            <select value={group} onInput={(event) => setGroup(event.currentTarget.value as RecordGroup)}>
              {Object.entries(RECORD_GROUPS).map(([name, label]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <button type="button" aria-pressed={held !== null} onClick={() => setHeld(held ? null : lines)}>
            Hold still
          </button>
        </>
      }
    >
      <RowList
        label="lines of the audit log"
        rows={rows}
        keyOf={rowKey}
        render={(line) => <Line line={line} now={now} />}
        empty={lines.length === 0 ? "Nothing is on record yet." : "No line fits."}
      />
    </Section>
  );
}

/**
 * A place of the list has the elements of the line that was there before: fifty lines in a second made new ones for all of it, twice, and
 * the browser keeps what is gone for a minute. A line with a command to copy has its own, so that the button under a hand stays that line's.
 */
function rowKey({ n, prev, hint }: Pick<AuditLine, "n" | "prev" | "hint">, index: number): string {
  return hint === undefined ? `at ${index}` : `${n} ${prev}`;
}

/** "Who has prod now": the roles that are held, the guarded ones first. */
function WhoHas({ status }: { readonly status: StatusView }): JSX.Element {
  const { openDialog } = usePage();
  const roles = status.roles.toSorted(
    (a, b) =>
      Number(b.guard !== null) - Number(a.guard !== null) ||
      Number(a.expiration === null) - Number(b.expiration === null),
  );
  const ask = (role: string): void => {
    if (role !== "") openDialog(<WhoDialog role={role} />);
  };
  return (
    <label class="select">
      <span class="for-readers">Who has which role now</span>
      <select
        value=""
        onChange={(event) => {
          ask(event.currentTarget.value);
          event.currentTarget.value = "";
        }}
      >
        <option value="">Who has … now?</option>
        {roles.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Line({ line, now }: { readonly line: AuditLine; readonly now: number }): JSX.Element {
  const { role, source, lease, lease_name: leaseName, outcome, code, count, scope } = line;
  const at = Date.parse(line.time);
  const isBad = outcome === "refused" || outcome === "failed";
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const leaseLabel = leaseName ?? lease;
  return (
    <>
      <time class="row-time number" dateTime={line.time}>
        {isToday ? toTheSecond(at) : wallClock(at, now)}
      </time>
      <div class="row-main">
        <p>
          <span class="event">{eventWord(line)}</span> <b>{role ?? source ?? ""}</b>
          {isBad && <Badge icon="cross">{[outcome, code].filter((each) => each !== null).join(": ")}</Badge>}
          {count > 1 && <Badge>× {count}</Badge>}
        </p>
        {leaseLabel !== null && (
          <p class="note">{`lease ${leaseLabel}${scope === undefined ? "" : `, only ${scope}`}`}</p>
        )}
      </div>
      <Details line={line} />
    </>
  );
}

/** Who, why, and what was told. */
function Details({ line }: { readonly line: AuditLine }): JSX.Element {
  const { reason, detail, message, hint } = line;
  return (
    <div class="row-use">
      {(line.program ?? line.pid) !== null && (
        <p>
          {line.program === null ? `pid ${line.pid ?? ""}` : programText(line)}
          {line.claimed && " (by its own word)"}
        </p>
      )}
      {reason !== undefined && <p class="note">because {quotedReason(reason)}</p>}
      {detail !== undefined && <p class="note">{detail}</p>}
      {message !== undefined && <p class="reason">{message}</p>}
      {hint !== undefined && <Hint text={hint} />}
    </div>
  );
}
