import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import type { LeaseView } from "../../control-api/lease-contract.js";
import type { Holder } from "../../core/audit-views.js";
import { RevokeDialog } from "../actions/decide-dialogs.js";
import { MakeLeaseDialog } from "../actions/make-lease-dialog.js";
import { MoveDialog } from "../actions/move-dialog.js";
import { NarrowDialog } from "../actions/narrow-dialog.js";
import { Icon } from "../parts/icon.js";
import { usePage } from "../parts/page-context.js";
import { RowList, Search } from "../parts/row-list.js";
import { Badge, Section } from "../parts/small-parts.js";
import { endText, kindText, lastUse, leaseRole, leaseTitle, programText, scopeText } from "../words/leases.js";
import { until, when } from "../words/when.js";

interface LeasesProps {
  readonly status: StatusView;
  readonly holders: readonly Holder[];
  readonly now: number;
}

export function Leases({ status, holders, now }: LeasesProps): JSX.Element {
  const { openDialog } = usePage();
  const [text, setText] = useState("");
  const held = useMemo(() => Map.groupBy(holders, ({ lease }) => lease), [holders]);
  const rows = status.leases.filter((lease) => fits(lease, text)).toSorted(byUse);
  return (
    <Section
      id="leases"
      title="Leases"
      tools={
        <>
          <Search label="Name, role, program or directory" value={text} onInput={setText} />
          <button type="button" class="primary" onClick={() => openDialog(<MakeLeaseDialog status={status} />)}>
            <Icon name="plus" /> Make a lease
          </button>
        </>
      }
    >
      <RowList
        label="leases"
        rows={rows}
        keyOf={({ id }) => id}
        render={(lease) => <LeaseRow {...{ lease, status, now }} held={held.get(lease.id) ?? []} />}
        empty={status.leases.length === 0 ? "There are no leases." : "No lease fits."}
      />
    </Section>
  );
}

/** The default one, then what was used last. */
function byUse(a: LeaseView, b: LeaseView): number {
  const isDefault = Number(b.kind === "default") - Number(a.kind === "default");
  return isDefault || (b.lastUsedAt ?? 0) - (a.lastUsedAt ?? 0);
}

function fits({ name, id, role, lastUsedBy }: LeaseView, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  const texts = [name, id, role, lastUsedBy?.program, lastUsedBy?.cwd, String(lastUsedBy?.pid ?? "")];
  return texts.some((each) => (each ?? "").toLowerCase().includes(wanted));
}

const MAX_HOLDERS = 3;

function LeaseRow(props: { lease: LeaseView; status: StatusView; held: readonly Holder[]; now: number }): JSX.Element {
  const { lease, status, held, now } = props;
  const scope = scopeText(lease);
  const { grant, temporary, socket } = lease;
  const isGuarded = status.roles.some(({ name, guard }) => name === lease.role && guard !== null);
  return (
    <>
      <div class="row-main">
        <h3>
          {leaseTitle(lease)}
          {isGuarded && <Badge icon="shield">guarded</Badge>}
          {scope !== null && <Badge>narrowed</Badge>}
        </h3>
        <p class="note">{kindText(lease)}</p>
      </div>
      <div class="row-state">
        <p>
          <b>{leaseRole(lease)}</b>
          {scope !== null && <>, {scope}</>}
        </p>
        {grant && <p class="note">given until {until(grant.until, now)}</p>}
        {temporary && (
          <p class="note">
            back to {temporary.thenRole ?? "no role"} {when(temporary.until, now)}
          </p>
        )}
        <p class="note">ends: {endText(lease, now)}</p>
        {socket !== null && <p class="note">on the socket {socket}</p>}
      </div>
      <LeaseUse {...{ lease, held, now }} />
      <LeaseTools lease={lease} status={status} />
    </>
  );
}

/** Which program used it last, and what programs still hold by it. */
function LeaseUse(props: { lease: LeaseView; held: readonly Holder[]; now: number }): JSX.Element {
  const { lease, held, now } = props;
  const { lastUsedBy } = lease;
  return (
    <div class="row-use">
      <p>{lastUsedBy ? programText(lastUsedBy) : lastUse(lease, now)}</p>
      {lastUsedBy && <p class="note">{lastUse(lease, now)}</p>}
      {held.slice(0, MAX_HOLDERS).map((holder) => (
        <p key={`${holder.pid ?? ""} ${holder.role}`} class="note">
          {holder.program ?? "a program"} holds {holder.role} until {until(holder.until, now)}
        </p>
      ))}
      {held.length > MAX_HOLDERS && <p class="note">and {held.length - MAX_HOLDERS} more programs</p>}
    </div>
  );
}

function LeaseTools({ lease, status }: { readonly lease: LeaseView; readonly status: StatusView }): JSX.Element {
  const { openDialog } = usePage();
  const title = leaseTitle(lease);
  const canMove = lease.movable || lease.kind === "named";
  const canNarrow = lease.kind === "named" || lease.kind === "child";
  return (
    <div class="row-tools">
      {canMove && (
        <button
          type="button"
          aria-label={`Move ${title}`}
          onClick={() => openDialog(<MoveDialog status={status} lease={lease} />)}
        >
          Move
        </button>
      )}
      {canNarrow && (
        <button type="button" aria-label={`Narrow ${title}`} onClick={() => openDialog(<NarrowDialog lease={lease} />)}>
          Narrow
        </button>
      )}
      {lease.kind !== "default" && (
        <button
          type="button"
          class="quiet"
          aria-label={`Revoke ${title}`}
          onClick={() => openDialog(<RevokeDialog lease={lease} />)}
        >
          Revoke
        </button>
      )}
    </div>
  );
}
