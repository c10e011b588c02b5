// Shows the live snapshot, fetched once a second; as text only, so that no measured name is ever markup.
"use strict";

let typed = false;  // once a person has typed a rate, it stays
const byId = (id) => document.getElementById(id);
const setText = (id, text) => { byId(id).textContent = text; };
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

const CRITERIA = ["Criterion", "Forbids", "Share", "Seconds beyond"];

function showCriteria(criteria) {
  byId("criteria-section").hidden = criteria.length === 0;
  byId("criteria").replaceChildren(...criteria.map((criterion) => {
    const row = document.createElement("tr");
    const share = criterion.value === null ? "–" : `${(100 * criterion.value).toFixed(2)} %`;
    [criterion.name, criterion.says, share, whole(criterion.beyond_s)].forEach((text, place) => {
      const cell = row.insertCell();
      cell.textContent = text;
      cell.className = place > 1 ? "number" : "";
      cell.dataset.label = CRITERIA[place];
    });
    const state = row.insertCell();
    if (criterion.beyond) {
      const chip = document.createElement("span");
      chip.className = criterion.enforce ? "chip bad" : "chip warn";
      chip.textContent = criterion.enforce ? "beyond" : "beyond (advisory)";
      state.append(chip);
    }
    return row;
  }));
}

function show(live) {
  setText("state", isOver(live) ? "ended" : live.paused ? "paused" : live.state);
  byId("state").className = live.paused ? "chip warn" : "chip";
  setText("phase", live.phase);
  setText("left", `${Math.round(live.left_s)} s left`);
  byId("progress").value = live.elapsed_s / Math.max(1, live.elapsed_s + live.left_s);
  setText("message", live.message);
  setText("pause", live.paused ? "Resume" : "Pause");
  if (!typed && !live.paused) byId("factor").value = live.factor;
  setText("achieved", one(live.achieved.sessions_per_s));
  setText("planned", one(live.planned.sessions_per_s));
  byId("played").hidden = live.factor === 1;
  setText("played", live.paused ? "paused" : `${live.factor} × the plan`);
  setText("sessions", whole(live.achieved.sessions_total));
  setText("due", whole(live.planned.sessions_total));
  setText("open", whole(live.achieved.open_sessions));
  setText("dropped", whole(live.dropped_total));
  setText("requests", one(live.achieved.requests_per_s));
  setText("sent", whole(live.achieved.requests_total));
  ["p50", "p95", "p99"].forEach((name) => setText(name, ms(live.latency_s[name])));
  setText("errors", whole(live.errors.total));
  setText("by-step", Object.entries(live.errors.by_step).flatMap(([step, errors]) =>
    Object.entries(errors).map(([error, count]) => `${step} ${error} ${whole(count)}`)).join(", "));
  setText("orders", Math.round(live.orders.per_minute));
  setText("lag", ms(live.lag_s.p99));
  setText("cpu", live.generator_cpu === null ? "–" : `${Math.round(live.generator_cpu * 100)} %`);
  setText("workers", live.workers === 1 ? "1 worker" : `${live.workers} workers`);
  showObjectives(live.objectives);
  showCriteria(live.criteria);
  document.querySelectorAll("[data-phase]").forEach((row) => {
    row.className = row.dataset.phase === live.phase && !isOver(live) ? "now" : "";
  });
}

async function follow() {
  let live = {};
  try {
    live = await (await fetch("/peakproof/live")).json();
  } catch {
    setText("state", "over");
    setText("message", "the run is over: its directory holds everything");
    document.querySelectorAll("button").forEach((button) => { button.disabled = true; });
    return;
  }
  if (live.format) show(live);
  setTimeout(follow, 1000);
}

byId("factor").addEventListener("input", () => { typed = true; });
follow();
