import type { JSX } from "preact";
import { State } from "../parts/small-parts.js";
import { wallClock, when } from "../words/when.js";
import type { Track } from "./tracks.js";

/** The picture in words, for screen readers and for who wants numbers. */
export function TrackTable({ tracks, now }: { tracks: readonly Track[]; now: number }): JSX.Element {
  return (
    <table>
      <caption class="for-readers">Credentials and logins</caption>
      <thead>
        <tr>
          {["Name", "What", "State", "Issued", "Renewal due", "Ends", "In the past day"].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {tracks.map((track) => (
          <tr key={`${track.kind} ${track.name}`}>
            <th scope="row">{track.name}</th>
            <td>{track.kind === "login" ? "login" : `credentials${track.guarded ? ", guarded" : ""}`}</td>
            <td>
              <State state={track.state} />
            </td>
            <td>{when(track.issuedAt, now)}</td>
            <td>{when(track.renewalAt, now)}</td>
            <td>{when(track.endsAt, now)}</td>
            <td>{pastText(track, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function pastText({ stretches }: Track, now: number): string {
  const past = stretches.filter(({ is }) => is === "past");
  const [first] = past;
  if (!first) return "-";
  return `${past.length} ${past.length === 1 ? "set" : "sets"} since ${wallClock(first.from, now)}`;
}
