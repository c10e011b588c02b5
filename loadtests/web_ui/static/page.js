// Shows the live snapshot, asked for once a second; texts only, so that nothing that was measured is ever markup.
"use strict";

let typed = false;  // then the figure in the form is the person's
const byId = (id) => document.getElementById(id);
const tell = (id, text) => { byId(id).textContent = text; };
const ms = (value) => (value === null ? "–" : `${Math.round(value * 1000)} ms`);
const one = (value) => value.toFixed(1);
const whole = (value) => value.toLocaleString("en");
const isOver = (live) => live.state === "ended";

function showObjectives(objectives) {
  byId("objectives").replaceChildren(...objectives.map((objective) => {
    const row = document.createElement("tr");
    const share = objective.total ? `${(100 * objective.bad / objective.total).toFixed(2)} %` : "–";
    [objective.name, whole(objective.bad), whole(objective.total), share].forEach((text, place) => {
      const cell = row.insertCell();
      cell.textContent = text;
      cell.className = place ? "number" : "";
    });
    const state = row.insertCell();
    if (objective.certain_breach) {
      const chip = document.createElement("span");
      chip.className = "chip bad";
      chip.textContent = "certain to be missed";
      state.append(chip);
    }
    return row;
  }));
}

function show(live) {
  tell("state", isOver(live) ? "ended" : live.paused ? "paused" : live.state);
  byId("state").className = live.paused ? "chip warn" : "chip";
  tell("phase", live.phase);
  tell("left", `${Math.round(live.left_s)} s left`);
  byId("progress").value = live.elapsed_s / Math.max(1, live.elapsed_s + live.left_s);
  tell("told", live.told);
  tell("pause", live.paused ? "Resume" : "Pause");
  if (!typed && !live.paused) byId("factor").value = live.factor;
  tell("achieved", one(live.achieved.sessions_per_s));
  tell("planned", one(live.planned.sessions_per_s));
  byId("played").hidden = live.factor === 1;
  tell("played", live.paused ? "paused" : `${live.factor} × the plan`);
  tell("sessions", whole(live.achieved.sessions_total));
  tell("due", whole(live.planned.sessions_total));
  tell("open", whole(live.achieved.open_sessions));
  tell("dropped", whole(live.dropped_total));
  tell("requests", one(live.achieved.requests_per_s));
  tell("sent", whole(live.achieved.requests_total));
  ["p50", "p95", "p99"].forEach((name) => tell(name, ms(live.latency_s[name])));
  tell("errors", whole(live.errors.total));
  tell("by-step", Object.entries(live.errors.by_step).flatMap(([step, errors]) =>
    Object.entries(errors).map(([error, count]) => `${step} ${error} ${whole(count)}`)).join(", "));
  tell("orders", Math.round(live.orders.per_minute));
  tell("lag", ms(live.lag_s.p99));
  tell("cpu", live.generator_cpu === null ? "–" : `${Math.round(live.generator_cpu * 100)} %`);
  tell("workers", live.workers === 1 ? "1 worker" : `${live.workers} workers`);
  showObjectives(live.objectives);
  document.querySelectorAll("[data-phase]").forEach((row) => {
    row.className = row.dataset.phase === live.phase && !isOver(live) ? "now" : "";
  });
}

async function follow() {
  let live = {};
  try {
    live = await (await fetch("/peakproof/live")).json();
  } catch {
    tell("state", "over");
    tell("told", "the run is over: its directory holds everything");
    document.querySelectorAll("button").forEach((button) => { button.disabled = true; });
    return;
  }
  if (live.format) show(live);
  setTimeout(follow, 1000);
}

byId("factor").addEventListener("input", () => { typed = true; });
follow();
