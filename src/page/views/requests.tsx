import type { JSX } from "preact";
import type { StatusView } from "../../control-api/contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import { requestedScope } from "../../core/access-request.js";
import { durationText } from "../../core/duration.js";
import { describeScope } from "../../core/lease-scope.js";
import { ApproveDialog, DenyDialog, unquoted } from "../actions/decide-dialogs.js";
import { usePage } from "../parts/page-context.js";
import { RowList } from "../parts/row-list.js";
import { Empty, Section, State } from "../parts/small-parts.js";
import { requestWord } from "../words/states.js";
import { distance, until } from "../words/when.js";

interface RequestsProps {
  readonly status: StatusView;
  readonly requests: readonly RequestView[];
  readonly now: number;
}

/** What waits for a yes or a no. */
export function PendingRequests({ status, requests, now }: RequestsProps): JSX.Element | null {
  const { openDialog } = usePage();
  const pending = requests.filter(({ state }) => state === "pending");
  if (pending.length === 0) return null;
  return (
    <Section
      id="pending"
      title={pending.length === 1 ? "A request waits for you" : `${pending.length} requests wait for you`}
    >
      <ul class="cards" role="list">
        {pending.map((request) => {
          const guard = status.roles.find(({ name }) => name === request.role)?.guard ?? null;
          const of = `${request.role} for ${request.lease.label}`;
          return (
            <li key={request.id} class="card">
              <WishSentence request={request} />
              <div class="card-foot">
                <span class="note">{distance(request.createdAt, now)}</span>
                <button
                  type="button"
                  aria-label={`Deny ${of}`}
                  onClick={() => openDialog(<DenyDialog request={request} />)}
                >
                  Deny
                </button>
                <button
                  type="button"
                  class="primary"
                  aria-label={`Approve ${of}`}
                  onClick={() => openDialog(<ApproveDialog request={request} guard={guard} />)}
                >
                  Approve…
                </button>
              </div>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** Who asks for what, for how long, and why. */
function WishSentence({ request }: { readonly request: RequestView }): JSX.Element {
  const { lease, role, forSeconds, reason, pid, id } = request;
  const scope = requestedScope(request);
  return (
    <div>
      <h3>
        <b>{lease.label}</b> asks for <b>{role}</b>, {scope ? describeScope(scope) : "all that it may do"}, for{" "}
        <b>{durationText(forSeconds)}</b>
      </h3>
      <blockquote>{reason}</blockquote>
      {scope?.policy !== undefined && <pre tabIndex={0}>{scope.policy}</pre>}
      <p class="note">
        Request {id}
        {pid !== null && `, of process ${pid} by its own word`}
      </p>
    </div>
  );
}

/** All of them: what waits, what was decided, what can be taken back. */
export function Requests(props: RequestsProps): JSX.Element {
  const { requests, now } = props;
  const decided = requests.filter(({ state }) => state !== "pending").toSorted((a, b) => b.createdAt - a.createdAt);
  const isNone = decided.length === requests.length;
  return (
    <>
      <PendingRequests {...props} />
      {isNone && (
        <Section id="pending" title="Requests">
          <Empty>
            No request is pending. A lease asks with brokerctl request ROLE --reason TEXT, an agent by its tools.
          </Empty>
        </Section>
      )}
      {decided.length > 0 && (
        <Section id="decided" title="Decided">
          <RowList
            label="decided requests"
            rows={decided}
            keyOf={({ id }) => id}
            render={(request) => <DecidedRow request={request} now={now} />}
            empty=""
          />
        </Section>
      )}
    </>
  );
}

function DecidedRow({ request, now }: { readonly request: RequestView; readonly now: number }): JSX.Element {
  const { openDialog } = usePage();
  const { role, lease, state, until: end, decidedAt, decidedBy, reason } = request;
  const isOpen = state === "approved" && end !== null && end > now;
  return (
    <>
      <div class="row-main">
        <h3>{role}</h3>
        <p class="note">for lease {lease.label}</p>
      </div>
      <div class="row-state">
        <State state={requestWord(state)} />
        {isOpen && <p class="note">until {until(end, now)}</p>}
      </div>
      <div class="row-use">
        <p>
          <q>{unquoted(reason)}</q>
        </p>
        {decidedAt !== null && (
          <p class="note">
            {distance(decidedAt, now)}
            {decidedBy !== null && ` by a ${decidedBy}`}
          </p>
        )}
      </div>
      <div class="row-tools">
        {isOpen && (
          <button
            type="button"
            class="quiet"
            aria-label={`Take back ${role} from ${lease.label}`}
            onClick={() => openDialog(<DenyDialog request={request} />)}
          >
            Take back
          </button>
        )}
      </div>
    </>
  );
}
