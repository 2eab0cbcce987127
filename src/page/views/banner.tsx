import type { JSX } from "preact";
import type { StatusView } from "../../control-api/contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import { DenyDialog, RevokeDialog } from "../actions/decide-dialogs.js";
import { MoveDialog } from "../actions/move-dialog.js";
import { Icon } from "../parts/icon.js";
import { useNow, usePage } from "../parts/page-context.js";
import { leaseTitle } from "../words/leases.js";
import { span, wallClock } from "../words/when.js";
import { type GuardedLive, guardedLive } from "./guarded-live.js";

/** Over everything else, while a lease has a guarded role: which, who, for how much longer, and the way out. */
export function Banner({
  status,
  requests,
}: {
  status: StatusView;
  requests: readonly RequestView[];
}): JSX.Element | null {
  const now = useNow(1000);
  const live = guardedLive(status, now);
  if (live.length === 0) return null;
  return (
    <div class="banners" role="region" aria-label="Guarded roles in use">
      {live.map((each) => (
        <div key={each.role} class="banner">
          <Icon name="shield" />
          <p>
            <b>{each.role}</b> is live for {whoText(each)}
            {each.until !== null && (
              <>
                {", "}
                <b class="number">{span(each.until - now)}</b> left (until {wallClock(each.until, now)})
              </>
            )}
          </p>
          <EndButton live={each} status={status} requests={requests} />
        </div>
      ))}
    </div>
  );
}

function whoText({ leases }: GuardedLive): string {
  const [first] = leases;
  if (!first) return "";
  const title =
    first.kind === "default" ? "every program of yours, by the default lease" : `lease ${leaseTitle(first)}`;
  return leases.length === 1 ? title : `${leases.length} leases`;
}

function EndButton(props: {
  live: GuardedLive;
  status: StatusView;
  requests: readonly RequestView[];
}): JSX.Element | null {
  const { openDialog } = usePage();
  const { leases, role } = props.live;
  const [lease] = leases;
  if (!lease || leases.length > 1) {
    return (
      <a class="button" href="#/leases">
        Show them
      </a>
    );
  }
  const request = props.requests.find(({ id }) => id === lease.grant?.request);
  if (request) {
    return (
      <button type="button" onClick={() => openDialog(<DenyDialog request={request} />)}>
        Take back
      </button>
    );
  }
  return lease.kind === "default" || lease.movable ? (
    <button
      type="button"
      aria-label={`Move off ${role}: ${leaseTitle(lease)}`}
      onClick={() =>
        openDialog(
          <MoveDialog
            status={props.status}
            lease={lease}
            role={lease.temporary?.thenRole ?? otherRole(props.status, role)}
          />,
        )
      }
    >
      Move off
    </button>
  ) : (
    <button
      type="button"
      aria-label={`Revoke ${leaseTitle(lease)}`}
      onClick={() => openDialog(<RevokeDialog lease={lease} />)}
    >
      Revoke
    </button>
  );
}

function otherRole({ roles }: StatusView, role: string): string {
  return roles.find(({ name, guard }) => name !== role && guard === null)?.name ?? role;
}
