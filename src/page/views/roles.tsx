import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { RoleView, StatusView } from "../../control-api/contract.js";
import { refresh } from "../actions/act.js";
import { MakeLeaseDialog } from "../actions/make-lease-dialog.js";
import { MoveDialog } from "../actions/move-dialog.js";
import { Choice } from "../parts/choice.js";
import { usePage } from "../parts/page-context.js";
import { RowList, Search } from "../parts/row-list.js";
import { Badge, Section, State } from "../parts/small-parts.js";
import { fixOfRole, reasonOf, roleWord } from "../words/states.js";
import { when } from "../words/when.js";
import { FixButton } from "./fix-button.js";
import { WhoDialog } from "./who-dialog.js";

const SHOWN = { all: "All", held: "Held", trouble: "Needs you" } as const;
type Shown = keyof typeof SHOWN;

export function Roles({ status, now }: { readonly status: StatusView; readonly now: number }): JSX.Element {
  const [text, setText] = useState("");
  const [shown, setShown] = useState<Shown>("all");
  const rows = status.roles.filter((role) => isShown(role, shown) && fits(role, text));
  return (
    <Section
      id="roles"
      title="Roles"
      tools={
        <>
          <Search label="Role, account or source" value={text} onInput={setText} />
          <Choice
            label="Which roles"
            options={Object.entries(SHOWN)}
            chosen={shown}
            onChoose={(name) => setShown(name as Shown)}
          />
        </>
      }
    >
      <RowList
        label="roles"
        rows={rows}
        keyOf={({ name }) => name}
        render={(role) => <RoleRow role={role} status={status} now={now} />}
        empty={status.roles.length === 0 ? "The config has no roles yet: brokerctl role add" : "No role fits."}
      />
    </Section>
  );
}

function isShown({ expiration, state }: RoleView, shown: Shown): boolean {
  if (shown === "held") return expiration !== null;
  const { tone } = roleWord(state);
  return shown === "all" || tone === "ask" || tone === "bad";
}

function fits({ name, accountId, source }: RoleView, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return [name, accountId ?? "", source].some((each) => each.toLowerCase().includes(wanted));
}

function RoleRow({ role, status, now }: { role: RoleView; status: StatusView; now: number }): JSX.Element {
  const page = usePage();
  const { name, accountId, source, guard, expiration, refreshAt } = role;
  const reason = reasonOf(role);
  const fix = fixOfRole(role, status.sources);
  return (
    <>
      <div class="row-main">
        <h3>
          {name}
          {name === status.defaultRole && <Badge icon="check">default</Badge>}
          {guard && <Badge icon="shield">guarded</Badge>}
        </h3>
        <p class="note">
          {accountId !== null && <span class="number">{accountId}</span>} from {source}
        </p>
      </div>
      <div class="row-state">
        <State state={roleWord(role.state)} />
        {expiration !== null && (
          <p class="note">
            ends {when(expiration, now)}
            {refreshAt !== null && <>; renewal due {when(refreshAt, now)}</>}
          </p>
        )}
        {reason !== null && <p class="reason">{reason}</p>}
        {fix && <FixButton fix={fix} of={name} />}
      </div>
      <div class="row-tools">
        <button
          type="button"
          aria-label={`Use ${name}`}
          onClick={() => page.openDialog(<MoveDialog status={status} role={name} />)}
        >
          Use
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={`Make a lease of ${name}`}
          onClick={() => page.openDialog(<MakeLeaseDialog status={status} role={name} />)}
        >
          Lease
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={`Who has ${name}`}
          onClick={() => page.openDialog(<WhoDialog role={name} />)}
        >
          Who
        </button>
        <button type="button" class="quiet" aria-label={`Refresh ${name}`} onClick={() => void refresh(page, name)}>
          Refresh
        </button>
      </div>
    </>
  );
}
