// test/lib/providers/agent.test.ts
import { spawn as spawn2 } from "node:child_process";
import { chmodSync, readFileSync as readFileSync4, writeFileSync as writeFileSync2 } from "node:fs";
import { join as join4 } from "node:path";
import t from "tap";

// lib/plain-text.ts
var COLOURS = /\u001b\[[\d;:]*m/g;
var CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
function toVisible(text2) {
  return text2.replace(COLOURS, "").replace(/[\r\n\t]+/g, " ").replace(CONTROLS, showControl);
}
function showControl(character) {
  const code = character.charCodeAt(0);
  if (code < 32) return String.fromCharCode(9216 + code);
  if (code === 127) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

// lib/errors.ts
var ERRORS = {
  AGENT_TIMELINE_INVALID_OPTION: [500, "The option %s %s."],
  AGENT_TIMELINE_UNKNOWN_OPTION: [500, "There is no option %s. Known options: %s."],
  AGENT_TIMELINE_NO_DATABASE: [500, "Give the option database or the option projects, one of the two."],
  AGENT_TIMELINE_UNSUPPORTED_DATABASE: [500, "The database cannot be used: %s."],
  AGENT_TIMELINE_DATABASE_MISSING: [503, "The database file does not exist: %s."],
  AGENT_TIMELINE_NOT_A_DATABASE: [503, "The file is not an SQLite database: %s."],
  AGENT_TIMELINE_DATABASE_LOCKED: [503, "The database is locked by another process. Try again."],
  AGENT_TIMELINE_DATABASE_FULL: [503, "The database or its disk is full."],
  AGENT_TIMELINE_DATABASE_UNAVAILABLE: [503, "The database cannot be read or written at the moment."],
  AGENT_TIMELINE_DATABASE_REPLACED: [503, "Another database, or an older state of it, was put in the place of the open one."],
  AGENT_TIMELINE_NOT_MIGRATED: [503, "The database lacks %s. Run migrations/010_invocation_lifecycle, or pass migrate: true."],
  AGENT_TIMELINE_ROUTE_COLLISION: [500, "The route %s exists already. Choose another %s."],
  AGENT_TIMELINE_ALREADY_REGISTERED: [500, "The plugin is registered already. Several databases go into the option projects."],
  AGENT_TIMELINE_BUSY: [503, "Too many large pages are being read. Try again."],
  AGENT_TIMELINE_CLOSED: [503, "The timeline is closed."],
  AGENT_TIMELINE_INVALID_TASKS_OF: [500, "The option tasksOf does not say which tasks may be seen: %s."],
  AGENT_TIMELINE_NOT_ALL_TASKS: [403, "This is about all tasks of the database."],
  AGENT_TIMELINE_UNKNOWN_PROJECT: [404, "There is no such project."],
  AGENT_TIMELINE_UNKNOWN_TASK: [404, "There is no such task."],
  AGENT_TIMELINE_UNKNOWN_INVOCATION: [404, "There is no such invocation."],
  AGENT_TIMELINE_INVALID_TASK_ID: [400, "A task id is 1 to 256 characters without control characters."],
  AGENT_TIMELINE_INVALID_INVOCATION_ID: [400, "An invocation id is a positive whole number."],
  AGENT_TIMELINE_INVALID_CURSOR: [400, "The cursor %s is not valid: %s."],
  AGENT_TIMELINE_INVALID_LIMIT: [400, "limit is a whole number from 1 to %s."],
  AGENT_TIMELINE_INVALID_TYPES: [400, "types is a comma-separated list of event types, task.* or activity types; %s is none."],
  AGENT_TIMELINE_INVALID_STATUS: [400, "status is one of running, completed, failed, timeout."],
  AGENT_TIMELINE_INVALID_EVENT: [400, "The task event is not valid: %s."],
  AGENT_TIMELINE_INVALID_REQUEST: [400, "The request is not valid: %s."],
  AGENT_TIMELINE_STREAMING_DISABLED: [404, "Live streaming is switched off."],
  AGENT_TIMELINE_TOO_MANY_STREAMS: [429, "Too many open streams. Try again later."],
  AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS: [429, "Too many open streams from this address. Close one, or try again later."],
  AGENT_TIMELINE_HOST_NOT_ALLOWED: [421, "Requests may not name this host: %s. Add it to allowedHosts, or to --allowed-host."],
  AGENT_TIMELINE_TOO_MANY_STREAMS_PER_CONNECTION: [429, "Too many open streams on this connection. Open another one."],
  AGENT_TIMELINE_INTERNAL: [500, "Something went wrong."],
  AGENT_TIMELINE_INVALID_COMMAND_LINE: [500, "The command line is not understood: %s."],
  AGENT_TIMELINE_COMMAND_NOT_FOUND: [500, "The command %s was not found. Install it, or give its whole path."],
  AGENT_TIMELINE_CWD_NOT_FOUND: [500, "The working directory does not exist: %s."],
  AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE: [500, "The command %s cannot be executed. Check its permissions."],
  AGENT_TIMELINE_COMMAND_TOO_OLD: [500, "The command %s does not understand the options it was given: %s. Update it."],
  AGENT_TIMELINE_PROMPT_TOO_LONG: [500, "The prompt is longer than %s accepts: %s."],
  AGENT_TIMELINE_ACP_SDK_MISSING: [500, "acp() works through @agentclientprotocol/sdk: %s. Run npm install @agentclientprotocol/sdk@2."],
  AGENT_TIMELINE_SIGN_IN_NEEDED: [500, "%s needs somebody who is signed in: %s."],
  AGENT_TIMELINE_SPAWN_FAILED: [500, "The command %s could not be started: %s."]
};
var TimelineError = class extends Error {
  name = "TimelineError";
  code;
  statusCode;
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
    this.statusCode = ERRORS[code][0];
  }
};
function timelineError(code, details = [], cause) {
  let next = 0;
  const message = ERRORS[code][1].replace(/%s/g, () => toVisible(String(details[next++] ?? "")));
  return new TimelineError(code, message, cause === void 0 ? void 0 : { cause });
}

// lib/providers/json.ts
function object(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
function objects(value) {
  return Array.isArray(value) ? value.map(object) : [];
}
function string(value) {
  return typeof value === "string" && value !== "" ? value : void 0;
}
function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : void 0;
}
function compact(value) {
  if (!Object.values(value).includes(void 0)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== void 0));
}
function contentText(content) {
  if (typeof content === "string") return content;
  return objects(content).map(({ type, text: text2 }) => {
    return string(text2) ?? (type === "text" ? "" : `[${string(type) ?? "content"}]`);
  }).join("\n");
}

// lib/text-end.ts
var MAX_WORD_CHARS = 8192;
function endOfText(text2, maxChars) {
  if (text2.length <= maxChars) return text2;
  const kept = text2.slice(-maxChars);
  if (/\s/.test(text2.charAt(text2.length - maxChars - 1))) return kept;
  const head = kept.slice(0, Math.min(MAX_WORD_CHARS, Math.ceil(maxChars / 2)));
  const line2 = head.indexOf("\n");
  const blank = line2 >= 0 ? line2 : head.search(/\s/);
  return kept.slice(blank >= 0 ? blank + 1 : head.length);
}

// lib/providers/caps.ts
function oneLine(text2) {
  return text2.split(/[\r\n]+/).map((line2) => line2.trim()).filter((line2) => line2 !== "").join(" \u21B5 ");
}
function withoutCutWord(text2) {
  const tail = text2.slice(-MAX_WORD_CHARS);
  const end = Math.max(...[" ", "	", "\n"].map((blank) => tail.lastIndexOf(blank)));
  return text2.slice(0, text2.length - tail.length + end + 1);
}

// lib/providers/tool-message.ts
var TARGETS = [
  "file_path",
  "filePath",
  "notebook_path",
  "absolute_path",
  "url",
  "query",
  "pattern",
  "path",
  "dir_path",
  "description",
  "title",
  "subject",
  "name",
  "skill",
  "prompt",
  "text"
];
var MAX_VALUE_CHARS = 60;
function execMessage(command2) {
  return oneLine(`exec: ${command2.trim()}`);
}
function toolMessage(tool, input) {
  const members = object(input);
  const key = TARGETS.find((name) => string(members[name]) !== void 0);
  const target = key === void 0 ? shortJson(members) : string(members[key]);
  return target === "" ? tool : `${tool}: ${oneLine(target)}`;
}
function shortJson(members) {
  const parts = [];
  for (const [name, value] of Object.entries(members).slice(0, 4)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      const shown = oneLine(String(value));
      parts.push(`${name}=${shown.length > MAX_VALUE_CHARS ? "\u2026" : shown}`);
    }
  }
  return parts.join(" ");
}

// lib/providers/plan.ts
var MAX_ENTRIES = 50;
function reportPlan(log, entries, details = {}) {
  const done = entries.filter(({ status }) => status === "completed").length;
  const next = entries.find(({ status }) => status === "in_progress") ?? entries.find(({ status }) => status === "pending");
  const tail = next === void 0 ? "" : `, next: ${oneLine(next.content)}`;
  const shown = entries.slice(0, MAX_ENTRIES).map(({ content, status }) => ({ content: oneLine(content), status }));
  log.progress("plan", `Plan: ${done} of ${entries.length} done${tail}`, { entries: shown, ...details });
}
function planStatus(value) {
  return value === "completed" || value === true ? "completed" : value === "in_progress" ? "in_progress" : "pending";
}

// lib/providers/usage.ts
function reportUsage(log, usage) {
  if (usage === void 0 || usage.inputTokens === 0 && usage.outputTokens === 0) return;
  const cost = usage.costUsd === void 0 ? "" : `, $${usage.costUsd.toFixed(4)}`;
  log.progress("usage", `${usage.inputTokens} tokens in, ${usage.outputTokens} out${cost}`, { usage });
}

// lib/providers/agent.ts
import { resolve } from "node:path";

// lib/clock.ts
var systemClock = () => Date.now();
function toIso(ms) {
  return new Date(ms).toISOString();
}
var MAX_MS = Date.UTC(9999, 11, 31);

// lib/providers/activity-log.ts
import { isDeepStrictEqual } from "node:util";
var OUTPUT_INTERVAL_MS = 1e3;
var MAX_USED_IDS = 1e4;
function createActivityLog(options) {
  const { onActivity, warn = warnProcess, clock, monotonicClock } = options;
  const sessions = [];
  const uses = /* @__PURE__ */ new Map();
  const unknownCounts = /* @__PURE__ */ new Map();
  let hasThrown = false;
  let isClosed = false;
  let openCalls = 0;
  function report(error) {
    if (hasThrown) return;
    hasThrown = true;
    warn(`onActivity failed, the run goes on: ${String(error)}`);
  }
  function emit(type, message, metadata) {
    if (onActivity === void 0 || isClosed) return;
    const details = metadata === void 0 ? {} : { metadata: compact(metadata) };
    try {
      const answer = onActivity({ type, message, timestamp: new Date(clock()), ...details });
      if (answer instanceof Promise) answer.catch(report);
    } catch (error) {
      report(error);
    }
  }
  function countUse(callId) {
    const use = (uses.get(callId) ?? 0) + 1;
    uses.delete(callId);
    uses.set(callId, use);
    if (uses.size > MAX_USED_IDS) uses.delete(uses.keys().next().value);
    return use;
  }
  function createSession() {
    const open = /* @__PURE__ */ new Map();
    const used = /* @__PURE__ */ new Set();
    function find(callId, parentCallId, isBackground) {
      const known = open.get(callId) ?? [];
      const asked = isBackground === void 0 ? known : known.filter((one) => one.isBackground === isBackground);
      const likely = asked.length > 0 ? asked : known;
      return likely.find(({ start }) => start.parentCallId === parentCallId) ?? likely[0];
    }
    function end(known, { status, result: result2, exitCode, files, durationMs }) {
      const { start, use, startedAt } = known;
      const { callId, tool, toolKind, message, parentCallId } = start;
      const rest = open.get(callId).filter((one) => one !== known);
      if (rest.length === 0) open.delete(callId);
      else open.set(callId, rest);
      openCalls--;
      emit("tool_exec", oneLine(message), {
        callId,
        phase: "end",
        use: use === 1 ? void 0 : use,
        tool,
        toolKind,
        status,
        durationMs: durationMs ?? Math.round(monotonicClock() - startedAt),
        exitCode,
        result: result2 === "" ? void 0 : result2,
        files: files ?? start.files,
        parentCallId
      });
    }
    const log = {
      toolStart(start) {
        const { callId, tool, toolKind, message, files, parentCallId } = start;
        const known = open.get(callId) ?? [];
        if (known.some((one) => isSame(one.start, start))) return;
        for (const one of known) if (isOutdated(one, start)) end(one, { status: "aborted" });
        const use = countUse(callId);
        used.add(callId);
        if (used.size > MAX_USED_IDS) used.delete(used.keys().next().value);
        const opened = { start, use, startedAt: monotonicClock(), isBackground: false };
        open.set(callId, [...open.get(callId) ?? [], opened]);
        openCalls++;
        emit("tool_exec", oneLine(message), {
          callId,
          phase: "start",
          use: use === 1 ? void 0 : use,
          tool,
          toolKind,
          input: start.input,
          files,
          parentCallId
        });
        if (toolKind === "person") log.waiting("person", message, { callId });
      },
      toolProgress(callId, message, details = {}) {
        const known = find(callId, void 0, false);
        if (details.background === true && known !== void 0) known.isBackground = true;
        const use = known === void 0 || known.use === 1 ? void 0 : known.use;
        log.progress("tool", message, { callId, use, tool: known?.start.tool, ...details });
      },
      toolOutput(callId, text2) {
        const call = find(callId);
        const line2 = text2.split("\n").findLast((line3) => line3.trim() !== "");
        const now = monotonicClock();
        if (call === void 0 || line2 === void 0 || now - (call.toldAt ?? -Infinity) < OUTPUT_INTERVAL_MS) return;
        call.toldAt = now;
        log.toolProgress(callId, oneLine(line2), { live: true });
      },
      toolEnd(callId, ending, tool = "unknown") {
        const { parentCallId, isBackground = false } = ending;
        const known = find(callId, parentCallId, isBackground);
        if (known !== void 0) return end(known, ending);
        if (used.has(callId)) return;
        log.toolStart({ callId, tool, message: tool, ...compact({ parentCallId }) });
        end(find(callId), ending);
      },
      isOpen: (callId) => open.has(callId),
      hasEnded: (callId) => used.has(callId) && !open.has(callId),
      get openCalls() {
        return openCalls;
      },
      output(text2, metadata) {
        if (text2 !== "") emit("output", text2, metadata ?? { delta: true });
      },
      error(message, metadata) {
        emit("error", message, metadata);
      },
      progress(kind, message, details = {}) {
        emit("progress", message, { kind, ...details });
      },
      waiting(waitKind, message, details = {}) {
        log.progress("waiting", message, { waitKind, what: oneLine(message), ...details });
      },
      retry(kind, message, delayMs, details) {
        const until = delayMs === void 0 ? void 0 : toIso(clock() + delayMs);
        log.progress(kind, message, { ...details, delayMs, until });
      },
      unknown(rawType, raw) {
        const type = oneLine(rawType);
        const count = (unknownCounts.get(type) ?? 0) + 1;
        unknownCounts.set(type, count);
        if (count === 1 && unknownCounts.size === 1) warn(`An agent printed an event of the unknown type ${type}; it is shown as progress.`);
        if ((count & count - 1) === 0) log.progress("unknown", type, { rawType: type, count, raw });
      },
      session: createSession,
      abortCalls() {
        for (const uses2 of [...open.values()]) for (const one of uses2) end(one, { status: "aborted" });
      },
      close() {
        for (const one of sessions) one.abortCalls();
        isClosed = true;
      }
    };
    sessions.push(log);
    return log;
  }
  return createSession();
}
function isSame(one, other) {
  return one.tool === other.tool && one.message === other.message && one.parentCallId === other.parentCallId && !isOtherMessage(one, other) && isDeepStrictEqual(one.input, other.input);
}
function isOutdated({ start, isBackground }, next) {
  return !isBackground && start.parentCallId === next.parentCallId && isOtherMessage(start, next);
}
function isOtherMessage(one, other) {
  return one.messageId !== void 0 && other.messageId !== void 0 && one.messageId !== other.messageId;
}
function warnProcess(message) {
  process.emitWarning(message, { code: "AGENT_TIMELINE_PROVIDER" });
}

// lib/providers/checks.ts
function checkMs(name, value) {
  if (value !== void 0 && !(value > 0)) {
    throw timelineError("AGENT_TIMELINE_INVALID_OPTION", [name, "is a positive number of milliseconds"]);
  }
}
function checkPrompt({ name, promptLimit: limit }, prompt) {
  const tooLong = (max, unit, is) => timelineError("AGENT_TIMELINE_PROMPT_TOO_LONG", [name, `${is} ${unit}, at most ${max}`]);
  if (limit?.characters !== void 0 && prompt.length > limit.characters) {
    const characters = [...prompt].length;
    if (characters > limit.characters) throw tooLong(limit.characters, "characters", characters);
  }
  if (limit?.bytes !== void 0 && prompt.length * 3 > limit.bytes) {
    const bytes = Buffer.byteLength(prompt);
    if (bytes > limit.bytes) throw tooLong(limit.bytes, "bytes", bytes);
  }
}
var REFUSED_FLAG = /unknown (option|argument)s?|unexpected argument|unrecognized (option|argument)/i;
function throwIfTooOld(command2, { exitCode, stderrTail }) {
  if (exitCode === 0 || exitCode === null) return;
  const line2 = stderrTail.split("\n").find((line3) => REFUSED_FLAG.test(line3));
  if (line2 !== void 0) throw timelineError("AGENT_TIMELINE_COMMAND_TOO_OLD", [command2, line2.trim()]);
}

// lib/providers/process-runner.ts
import { randomUUID } from "node:crypto";
import { once as once2 } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep3 } from "node:timers/promises";

// lib/providers/deadlines.ts
var MAX_TIMER_MS = 2147483647;
function startDeadlines(options) {
  const { timeout, silenceTimeout, startupAllowanceMs = 3e4, signal } = options;
  const timers = /* @__PURE__ */ new Set();
  let heardAt;
  let stop = () => {
  };
  const reached = new Promise((resolve2) => {
    stop = resolve2;
  });
  const abort = () => {
    stop("aborted");
  };
  function after(ms, action) {
    if (ms > MAX_TIMER_MS) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, ms);
    timers.add(timer);
  }
  function watchSilence(limit) {
    const startedAt = performance.now();
    const check = () => {
      const silentForMs = performance.now() - (heardAt ?? startedAt);
      const leftMs = (heardAt === void 0 ? limit + startupAllowanceMs : limit) - silentForMs;
      if (leftMs <= 0) stop("silence");
      else after(Math.ceil(Math.min(leftMs, limit)), check);
    };
    after(limit, check);
  }
  if (timeout !== void 0) after(timeout, () => {
    stop("timeout");
  });
  if (silenceTimeout !== void 0) watchSilence(silenceTimeout);
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  return {
    reached,
    heard() {
      heardAt = performance.now();
    },
    clear() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      signal?.removeEventListener("abort", abort);
    }
  };
}

// lib/providers/end-tree.ts
import { setTimeout as sleep } from "node:timers/promises";

// lib/providers/process-tree.ts
import { setImmediate as nextTurn2 } from "node:timers/promises";

// lib/providers/process-table.ts
import { execFile } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
var ENTRIES_PER_TURN = 50;
async function readProcessTable(marker) {
  if (process.platform === "win32") return [];
  if (process.platform !== "linux") return await readPs();
  const entries = [];
  let seen = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (++seen % ENTRIES_PER_TURN === 0) await nextTurn();
    const entry = readProcess(Number(name), marker);
    if (entry !== void 0) entries.push(entry);
  }
  return entries;
}
function readProcess(pid, marker) {
  const stat2 = readText(`/proc/${pid}/stat`);
  if (stat2 === void 0) return void 0;
  const fields = stat2.slice(stat2.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return void 0;
  return {
    pid,
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? "",
    isMarked: marker !== void 0 && hasVariable(readText(`/proc/${pid}/environ`), marker)
  };
}
function readChildren(pid) {
  const text2 = readText(`/proc/${pid}/task/${pid}/children`);
  return text2 === void 0 || text2 === "" ? [] : text2.trim().split(" ").map(Number);
}
function readDescriptor(pid, fd) {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return void 0;
  }
}
function holdsAny(pid, pipes) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => pipes.includes(readDescriptor(pid, fd) ?? ""));
  } catch {
    return false;
  }
}
function parsePs(output) {
  const entries = [];
  for (const line2 of output.split("\n")) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line2);
    if (match === null || match[4].startsWith("Z")) continue;
    const [pid, ppid, pgid] = [Number(match[1]), Number(match[2]), Number(match[3])];
    entries.push({ pid, ppid, pgid, session: pgid, startTime: match[5], isMarked: false });
  }
  return entries;
}
async function readPs() {
  return await new Promise((resolve2) => {
    execFile(
      "ps",
      ["-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="],
      { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, LC_ALL: "C" } },
      (error, stdout) => {
        resolve2(error === null ? parsePs(stdout) : []);
      }
    );
  });
}
function hasVariable(environ, name) {
  return environ !== void 0 && (environ.startsWith(`${name}=`) || environ.includes(`\0${name}=`));
}
function readText(path) {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return void 0;
  }
}

// lib/providers/process-tree.ts
function createProcessTree({ pid: rootPid, ownsGroup, pipes, marker }) {
  const known = /* @__PURE__ */ new Map();
  const root = process.platform === "linux" ? readProcess(rootPid) : void 0;
  let rootStart = root?.startTime;
  const rootSession = root?.session ?? rootPid;
  const pipeNames = pipes.map((fd) => readDescriptor(rootPid, fd) ?? "").filter((name) => /^(socket|pipe):/.test(name));
  let isHolderIncluded = false;
  let isDetachedLeft = false;
  if (rootStart !== void 0) known.set(rootPid, rootStart);
  function remember(entry) {
    if (entry.pid === rootPid) rootStart ??= entry.startTime;
    known.set(entry.pid, entry.startTime);
  }
  function noteKnown(pid) {
    if (readProcess(pid)?.startTime !== known.get(pid)) known.delete(pid);
    else noteChildren(pid);
  }
  function noteChildren(pid) {
    for (const child of readChildren(pid)) {
      if (known.has(child)) continue;
      const entry = readProcess(child);
      if (entry === void 0) continue;
      remember(entry);
      noteChildren(child);
    }
  }
  async function rememberHolders(table) {
    for (const [index, entry] of table.entries()) {
      if (index % 20 === 0) await nextTurn2();
      if (entry.pid !== process.pid && holdsAny(entry.pid, pipeNames)) remember(entry);
    }
  }
  function isDetached({ pid, session }) {
    const isRedirected = () => /^\//.test(readDescriptor(pid, 1) ?? "") && !holdsAny(pid, pipeNames);
    return session !== rootSession || isRedirected();
  }
  function select(table) {
    const current = table.find((entry) => entry.pid === rootPid);
    const isRootReused = current !== void 0 && rootStart !== void 0 && current.startTime !== rootStart;
    const selected = /* @__PURE__ */ new Map();
    for (const entry of table) {
      const isRoot = entry.pid === rootPid && !isRootReused;
      const isInGroup = ownsGroup && entry.pgid === rootPid && !isRootReused;
      const isKnown = known.get(entry.pid) === entry.startTime;
      if (isRoot || isInGroup || isKnown || entry.isMarked) selected.set(entry.pid, entry);
    }
    for (let grown = true; grown; ) {
      grown = false;
      for (const entry of table) {
        if (selected.has(entry.pid) || !selected.has(entry.ppid)) continue;
        selected.set(entry.pid, entry);
        grown = true;
      }
    }
    selected.delete(process.pid);
    selected.delete(1);
    if (isDetachedLeft) {
      for (const entry of selected.values()) if (isDetached(entry)) selected.delete(entry.pid);
    }
    return selected;
  }
  return {
    async note() {
      if (process.platform === "linux") for (const pid of [...known.keys()]) noteKnown(pid);
      else for (const entry of select(await readProcessTable()).values()) remember(entry);
    },
    async collect() {
      const table = await readProcessTable(marker);
      if (isHolderIncluded) await rememberHolders(table);
      const entries = [...select(table).values()];
      for (const entry of entries) remember(entry);
      return entries;
    },
    signalKnown(signal) {
      if (process.platform === "linux") for (const pid of [...known.keys()]) noteKnown(pid);
      const entries = [...known].map(([pid, startTime]) => ({ pid, startTime }));
      signalProcesses(entries.length > 0 ? entries : [{ pid: rootPid, startTime: "" }], signal);
    },
    async leaveDetached() {
      const table = await readProcessTable(marker);
      const left = [...select(table).values()].filter(isDetached);
      isDetachedLeft = true;
      return left.some(({ pid }) => holdsAny(pid, pipeNames));
    },
    includePipeHolders() {
      isHolderIncluded = process.platform === "linux" && pipeNames.length > 0;
    }
  };
}
async function stillRunning(entries) {
  if (process.platform === "linux") return entries.filter((entry) => readProcess(entry.pid)?.startTime === entry.startTime);
  const table = new Map((await readProcessTable()).map(({ pid, startTime }) => [pid, startTime]));
  return entries.filter(({ pid, startTime }) => table.get(pid) === startTime);
}
function signalProcesses(entries, signal) {
  for (const entry of entries) {
    if (process.platform === "linux" && readProcess(entry.pid)?.startTime !== entry.startTime) continue;
    try {
      process.kill(entry.pid, signal);
    } catch {
    }
  }
}

// lib/providers/end-tree.ts
var POLL_MS = 25;
var KILL_MS = 300;
async function endTree(tree, graceMs, first = "SIGTERM") {
  const signalled = /* @__PURE__ */ new Set();
  const now = () => performance.now();
  const killAt = now() + graceMs;
  const giveUpAt = killAt + KILL_MS;
  let living = await signalNew(tree, signalled, first);
  while (living.length > 0 && now() < killAt) {
    await sleep(Math.min(POLL_MS, Math.max(1, killAt - now())));
    living = await stillRunning(living);
    if (living.length === 0) living = await signalNew(tree, signalled, "SIGTERM");
  }
  while (living.length > 0) {
    living = [...await tree.collect()];
    for (const { pid } of living) signalled.add(pid);
    signalProcesses(living, "SIGKILL");
    if (now() >= giveUpAt) break;
    await sleep(POLL_MS);
    living = await stillRunning(living);
    if (living.length === 0) living = [...await tree.collect()];
  }
  return { signalled: signalled.size, survivors: (await stillRunning(living)).map(({ pid }) => pid) };
}
async function signalNew(tree, signalled, signal) {
  const entries = [...await tree.collect()];
  signalProcesses(entries, signal);
  for (const { pid } of entries) signalled.add(pid);
  return entries;
}

// lib/providers/end-windows-tree.ts
import { execFile as execFile2, spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep2 } from "node:timers/promises";
var TASKKILL_MS = 5e3;
var AT_EXIT_MS = 2e3;
var GONE_MS = 1e3;
var POLL_MS2 = 25;
async function endWindowsTree(child) {
  if (hasEnded(child)) return { signalled: 0, survivors: [] };
  const isDone = await new Promise((resolve2) => {
    const options = { windowsHide: true, timeout: TASKKILL_MS };
    execFile2(taskkill(), commandLine(child), options, (error) => {
      resolve2(error === null);
    });
  });
  if (!isDone && !hasEnded(child)) kill(child);
  for (const until = performance.now() + GONE_MS; !hasEnded(child) && performance.now() < until; ) await sleep2(POLL_MS2);
  return { signalled: 1, survivors: hasEnded(child) ? [] : [child.pid] };
}
function endWindowsTreeAtExit(child) {
  if (hasEnded(child)) return;
  const { status } = spawnSync(taskkill(), commandLine(child), {
    windowsHide: true,
    stdio: "ignore",
    timeout: AT_EXIT_MS
  });
  if (status !== 0) kill(child);
}
function taskkill() {
  const { SystemRoot } = process.env;
  return SystemRoot === void 0 ? "taskkill" : join(SystemRoot, "System32", "taskkill.exe");
}
function commandLine({ pid }) {
  return ["/pid", String(pid), "/T", "/F"];
}
function kill({ pid }) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
  }
}
function hasEnded({ exitCode, signalCode }) {
  return exitCode !== null || signalCode !== null;
}

// lib/providers/host-exit.ts
function onHostExit(action) {
  allowListeners(1);
  process.once("exit", action);
  return () => {
    process.off("exit", action);
    allowListeners(-1);
  };
}
function allowListeners(change) {
  const limit = process.getMaxListeners();
  if (limit > 0) process.setMaxListeners(limit + change);
}

// lib/providers/read-lines.ts
import { setImmediate as nextTurn3 } from "node:timers/promises";

// lib/providers/tail.ts
function createTail(maxBytes) {
  let kept = Buffer.alloc(0);
  let size = 0;
  return {
    push(chunk) {
      const part = chunk.subarray(Math.max(0, chunk.length - maxBytes));
      if (size + part.length > kept.length) {
        const room = Math.min(2 * maxBytes, Math.max(1024, 2 * (size + part.length)));
        const from = Math.max(0, size + part.length - maxBytes);
        const before = kept.subarray(Math.min(from, size), size);
        const grown = room === kept.length ? kept : Buffer.allocUnsafe(Math.max(room, before.length + part.length));
        before.copy(grown);
        kept = grown;
        size = before.length;
      }
      kept.set(part, size);
      size += part.length;
    },
    get size() {
      return Math.min(size, maxBytes);
    },
    text() {
      let from = Math.max(0, size - maxBytes);
      const start = from;
      while (from < Math.min(start + 3, size) && (kept[from] & 192) === 128) from++;
      return kept.subarray(from, size).toString("utf8");
    }
  };
}

// lib/providers/lines.ts
var NEWLINE = 10;
var SMALL_BUFFER_BYTES = 4096;
var KEPT_BUFFER_BYTES = 65536;
var TAIL_BYTES = 65536;
function createLineSplitter({ maxLineBytes = 8 * 1024 * 1024 } = {}) {
  let pending = Buffer.alloc(0);
  let pendingBytes = 0;
  let lineBytes = 0;
  let tail = createTail(TAIL_BYTES);
  function keep(part) {
    lineBytes += part.length;
    const kept = part.subarray(0, Math.max(0, maxLineBytes - pendingBytes));
    if (pendingBytes + kept.length > pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(SMALL_BUFFER_BYTES, pending.length * 2, pendingBytes + kept.length));
      pending.copy(grown, 0, 0, pendingBytes);
      pending = grown;
    }
    kept.copy(pending, pendingBytes);
    pendingBytes += kept.length;
    if (kept.length < part.length) tail.push(part.subarray(kept.length));
  }
  function take(partial) {
    const truncated = lineBytes > maxLineBytes;
    const text2 = decode(pending.subarray(0, pendingBytes), truncated);
    const missingBytes = lineBytes - pendingBytes - tail.size;
    pendingBytes = lineBytes = 0;
    if (pending.length > KEPT_BUFFER_BYTES) pending = Buffer.alloc(0);
    if (!truncated) return { text: text2, truncated, partial };
    const end = tail.text();
    tail = createTail(TAIL_BYTES);
    return { text: text2, truncated, partial, tail: end, missingBytes };
  }
  return {
    *push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        const part = chunk.subarray(from, at);
        from = at + 1;
        if (lineBytes === 0 && part.length <= maxLineBytes) {
          yield { text: part.toString("utf8"), truncated: false, partial: false };
        } else {
          keep(part);
          yield take(false);
        }
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    end() {
      return lineBytes === 0 ? void 0 : take(true);
    }
  };
}
function decode(bytes, cut) {
  if (!cut) return bytes.toString("utf8");
  let end = bytes.length;
  while (end > 0 && end > bytes.length - 4 && (bytes[end - 1] & 192) === 128) end--;
  const lead = bytes[end - 1] ?? 0;
  const length = lead >= 240 ? 4 : lead >= 224 ? 3 : lead >= 192 ? 2 : 1;
  const whole = end - 1 + length <= bytes.length ? bytes.length : end - 1;
  return bytes.subarray(0, Math.max(0, whole)).toString("utf8");
}

// lib/providers/read-lines.ts
var SLICE_MS = 4;
async function readLines(stream, { maxLineBytes, onChunk, onLine }) {
  const splitter = createLineSplitter(maxLineBytes === void 0 ? {} : { maxLineBytes });
  let sliceStart = performance.now();
  try {
    for await (const data of stream) {
      const chunk = typeof data === "string" ? Buffer.from(data) : data;
      const taken = onChunk(chunk);
      if (taken instanceof Promise && await taken === false) break;
      if (onLine === void 0) continue;
      for (const line2 of splitter.push(chunk)) {
        onLine(line2);
        if (performance.now() - sliceStart < SLICE_MS) continue;
        await nextTurn3();
        sliceStart = performance.now();
      }
    }
  } catch {
  }
  const last = splitter.end();
  if (last !== void 0) onLine?.(last);
}

// lib/providers/spawn-command.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
async function spawnCommand(command2, args, options) {
  try {
    return await started(spawn(command2, args, options));
  } catch (error) {
    const { code = "" } = error;
    if (process.platform !== "win32" || !["ENOENT", "EINVAL"].includes(code)) throw error;
    const { default: crossSpawn } = await import("cross-spawn");
    return await started(crossSpawn(command2, [...args], options));
  }
}
async function started(child) {
  await once(child, "spawn");
  return child;
}

// lib/providers/spawn-errors.ts
import { stat } from "node:fs/promises";
async function spawnError(error, command2, cwd) {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (cwd !== void 0 && ["ENOENT", "ENOTDIR", "EACCES"].includes(code) && !await isDirectory(cwd)) {
    return timelineError("AGENT_TIMELINE_CWD_NOT_FOUND", [cwd], error);
  }
  if (code === "ENOENT") return timelineError("AGENT_TIMELINE_COMMAND_NOT_FOUND", [command2], error);
  if (code === "EACCES" || code === "ENOEXEC" || code === "EPERM") {
    return timelineError("AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE", [command2], error);
  }
  if (code === "E2BIG") {
    return timelineError("AGENT_TIMELINE_SPAWN_FAILED", [command2, "its arguments or environment are too long"], error);
  }
  return timelineError("AGENT_TIMELINE_SPAWN_FAILED", [command2, error instanceof Error ? error.message : String(error)], error);
}
async function isDirectory(path) {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

// lib/providers/process-runner.ts
var STDERR_TAIL_BYTES = 65536;
var MAX_ERROR_LINE_BYTES = 16384;
var NOTE_INTERVAL_MS = process.platform === "linux" ? 1e3 : 5e3;
var IDLE_PIPE_MS = 200;
var HELD_PIPE_MS = 1e3;
var SETTLE_MS = 100;
var ASK_MS = 1e3;
async function runProcess(options) {
  const { command: command2, args, env: env2, cwd, stdin } = options;
  const startedAt = performance.now();
  if (options.signal?.aborted === true) return endOf(startedAt, { stopReason: "aborted" });
  const marker = `AGENT_TIMELINE_RUN_${randomUUID().replaceAll("-", "")}`;
  const isPosix = process.platform !== "win32";
  let child;
  try {
    child = await spawnCommand(command2, args, {
      cwd,
      env: { ...process.env, ...env2, [marker]: "1" },
      detached: isPosix,
      windowsHide: true,
      stdio: [stdin === null ? "inherit" : "pipe", "pipe", "pipe"]
    });
  } catch (error) {
    throw await spawnError(error, command2, cwd);
  }
  child.stdin?.on("error", () => {
  });
  if (typeof stdin === "string") child.stdin.end(stdin);
  else stdin?.(child.stdin);
  const tree = createProcessTree({ pid: child.pid, ownsGroup: isPosix, pipes: [1, 2], marker });
  let missing;
  child.on("error", (error) => {
    if (error.code === "ENOENT") missing = error;
  });
  const end = await watch(child, tree, options, startedAt);
  if (missing !== void 0) throw await spawnError(missing, command2, cwd);
  return end;
}
async function watchProcess(child, options) {
  if (child.stdout === null) throw timelineError("AGENT_TIMELINE_INVALID_OPTION", ["childProcess", "needs stdio: pipe"]);
  const startedAt = performance.now();
  if (child.pid === void 0) {
    const [error] = await once2(child, "error");
    throw await spawnError(error, child.spawnfile, void 0);
  }
  const ownsGroup = process.platform === "linux" && readProcess(child.pid)?.pgid === child.pid;
  const tree = createProcessTree({ pid: child.pid, ownsGroup, pipes: child.stderr === null ? [1] : [1, 2] });
  return await watch(child, tree, options, startedAt);
}
async function watch(child, tree, options, startedAt) {
  const { killGraceMs = 5e3, maxLineBytes, onLine, onErrorLine, passOn, until, askToEnd } = options;
  const isWindows = process.platform === "win32";
  const endAll = async (graceMs2, first2) => isWindows ? await endWindowsTree(child) : await endTree(tree, graceMs2, first2);
  child.on("error", () => {
  });
  const deadlines = startDeadlines(options);
  const tail = createTail(STDERR_TAIL_BYTES);
  let heardAt = performance.now();
  const heard = () => {
    heardAt = performance.now();
    deadlines.heard();
  };
  const pass = (stream, keep) => (chunk) => {
    heard();
    keep?.(chunk);
    return passOn?.(stream, chunk);
  };
  const reading = Promise.all([
    readLines(child.stdout, { ...maxLineBytes !== void 0 && { maxLineBytes }, onLine, onChunk: pass("stdout") }),
    child.stderr !== null && readLines(child.stderr, {
      maxLineBytes: MAX_ERROR_LINE_BYTES,
      ...onErrorLine !== void 0 && { onLine: onErrorLine },
      onChunk: pass("stderr", tail.push)
    })
  ]).then(() => "read");
  const endWithHost = onHostExit(() => {
    if (isWindows) endWindowsTreeAtExit(child);
    else tree.signalKnown("SIGTERM");
  });
  const noting = setInterval(() => {
    tree.note().catch(() => {
    });
  }, NOTE_INTERVAL_MS);
  const causes = [exited(child), deadlines.reached];
  if (until !== void 0) causes.push(until.then(ended, ended));
  const stopReason = await Promise.race(causes);
  deadlines.clear();
  const graceEndsAt = performance.now() + killGraceMs;
  if (stopReason !== void 0 && askToEnd !== void 0) {
    askToEnd();
    await Promise.race([until, exited(child), sleep3(Math.min(ASK_MS, killGraceMs / 4))]);
  }
  clearInterval(noting);
  const graceMs = Math.max(0, graceEndsAt - performance.now());
  const isLeaving = options.leaveDetached === true && !isWindows && stopReason === void 0 && child.signalCode === null;
  const isHeld = isLeaving && await tree.leaveDetached();
  const first = stopReason === "aborted" ? signalOf(options.signal) : "SIGTERM";
  let { survivors } = await endAll(graceMs, first);
  const drainFrom = performance.now();
  const mayDrain = () => {
    const idleSince = stopReason === void 0 ? Math.max(heardAt, drainFrom) : drainFrom;
    const isOver = isHeld && performance.now() - drainFrom > HELD_PIPE_MS;
    return !isOver && performance.now() - idleSince < IDLE_PIPE_MS;
  };
  let state = "open";
  while (state === "open" && mayDrain()) state = await Promise.race([reading, sleep3(20, "open")]);
  if (state === "open") {
    tree.includePipeHolders();
    survivors = (await endAll(Math.max(0, graceEndsAt - performance.now()))).survivors;
  }
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  endWithHost();
  await Promise.race([Promise.all([reading, exited(child)]), sleep3(SETTLE_MS)]);
  return endOf(startedAt, {
    exitCode: child.exitCode,
    signal: child.signalCode,
    ...stopReason !== void 0 && { stopReason },
    stderrTail: wholeLines(tail),
    survivors
  });
}
function wholeLines(tail) {
  const text2 = tail.text();
  return tail.size < STDERR_TAIL_BYTES ? text2 : endOfText(`\u2026${text2}`, text2.length);
}
var ended = () => void 0;
function signalOf(signal) {
  const reason = signal?.reason;
  return typeof reason === "string" && reason in constants.signals ? reason : "SIGTERM";
}
async function exited(child) {
  if (child.exitCode !== null || child.signalCode !== null) return void 0;
  return await new Promise((resolve2) => {
    for (const event of ["exit", "close"]) child.once(event, () => {
      resolve2(void 0);
    });
  });
}
function endOf(startedAt, end) {
  const durationMs = Math.round(performance.now() - startedAt);
  return { exitCode: null, signal: null, stderrTail: "", survivors: [], ...end, durationMs };
}

// lib/providers/agent.ts
function createAgent(adapter, options = {}, passOn) {
  const command2 = options.command ?? adapter.command;
  async function follow(call, invoke, run) {
    checkMs("timeout", invoke.timeout);
    checkMs("silenceTimeout", invoke.silenceTimeout);
    const log = createActivityLog({
      ...compact({ onActivity: invoke.onActivity }),
      clock: systemClock,
      monotonicClock: () => performance.now()
    });
    const state = adapter.start(call);
    let lines = 0;
    const onLine = (line2) => {
      lines++;
      guard(log, () => {
        adapter.line(line2, state, log);
      });
    };
    const { timeout, silenceTimeout, signal } = invoke;
    const { killGraceMs, startupAllowanceMs, maxLineBytes } = options;
    const end = await run({
      ...compact({ timeout, silenceTimeout, signal, killGraceMs, startupAllowanceMs, maxLineBytes }),
      onLine,
      onErrorLine: (line2) => {
        guard(log, () => {
          adapter.errorLine?.(atWord(line2), state, log);
        });
      }
    }, state, log);
    if (lines === 0 && end.stopReason === void 0 && usesDefaults(options)) throwIfTooOld(command2, end);
    return finish(adapter.verdict(state, end), end, log, invoke);
  }
  return {
    name: adapter.name,
    async invoke(prompt, invoke = {}) {
      checkPrompt(adapter, prompt);
      await adapter.prepare?.();
      const call = compact({ prompt, model: invoke.model, sessionId: invoke.sessionId });
      const cwd = invoke.cwd ?? options.cwd;
      return await follow(call, invoke, async (watch2, state, log) => {
        const talk = startTalk(adapter, { call, cwd: resolve(cwd ?? "."), state, log });
        return await runProcess({
          ...watch2,
          ...compact({ cwd, until: talk?.over, askToEnd: talk?.stop, passOn }),
          command: command2,
          args: commandLine2(adapter, options, call),
          env: { ...adapter.env?.(), ...options.env },
          // A command on its own may start a server; an agent's work ends with it.
          leaveDetached: passOn !== void 0,
          stdin: passOn === void 0 ? talk?.begin ?? prompt : null
        });
      });
    },
    async read(childProcess, invoke = {}) {
      if (adapter.converse !== void 0) {
        throw timelineError("AGENT_TIMELINE_INVALID_OPTION", ["childProcess", "cannot be read: this agent must be talked to"]);
      }
      const call = compact({ model: invoke.model, sessionId: invoke.sessionId });
      return await follow(call, invoke, async (watch2) => await watchProcess(childProcess, watch2));
    }
  };
}
function startTalk(adapter, about) {
  if (adapter.converse === void 0) return void 0;
  const stopping = new AbortController();
  let begin = () => {
  };
  const over = new Promise((resolve2) => {
    begin = resolve2;
  }).then(async (stdin) => {
    await adapter.converse({ ...about, stdin, stopping: stopping.signal });
  });
  return { begin, over, stop: () => {
    stopping.abort();
  } };
}
function commandLine2(adapter, options, call) {
  const { args, extraArgs = [] } = options;
  if (typeof args === "function") return args(call);
  if (args !== void 0 && !usesDefaults(options)) return args;
  return adapter.args(call, extraArgs);
}
function usesDefaults({ args }) {
  return args === void 0 || typeof args !== "function" && args.length === 0;
}
function finish(verdict2, end, log, invoke) {
  if (end.survivors.length > 0) {
    log.progress("notice", `These processes could not be ended: ${end.survivors.join(", ")}`, { pids: end.survivors });
  }
  log.close();
  const { stopReason, exitCode, signal, durationMs, stderrTail } = end;
  const outside = stopReason === void 0 ? {} : { success: false, reason: stopReason, error: sentence(stopReason, invoke) };
  return compact({
    ...verdict2,
    ...outside,
    exitCode,
    signal,
    durationMs,
    timedOut: stopReason === "timeout" || stopReason === "silence",
    stderrTail: stderrTail === "" ? void 0 : stderrTail
  });
}
function sentence(stopReason, { timeout, silenceTimeout }) {
  if (stopReason === "aborted") return "The run was aborted.";
  if (stopReason === "timeout") return `The run took longer than ${timeout} ms and was ended.`;
  return `The agent printed nothing for ${silenceTimeout} ms and was ended.`;
}
function atWord(line2) {
  return line2.truncated ? { ...line2, text: withoutCutWord(line2.text) } : line2;
}
function guard(log, action) {
  try {
    action();
  } catch (error) {
    log.unknown("unreadable", String(error));
  }
}

// lib/providers/read-json-line.ts
function readJsonLine(line2) {
  if (line2.truncated) return readCut(line2);
  const { text: text2 } = line2;
  const whole = parse(text2);
  if (isObject(whole)) return [whole];
  if (Array.isArray(whole) && whole.length > 0 && whole.every(isObject)) return whole;
  return text2.includes("{") ? findObjects(clean(text2)) : text2.trim() === "" ? [] : [text2];
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
var SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[@-Z\\^_=>])/g;
var CONTROLS2 = /[\0-\x08\x0b-\x1f\x7f\ufeff]/g;
function clean(text2) {
  return text2.replace(SEQUENCES, "").replace(CONTROLS2, "");
}
var MAX_ATTEMPTS = 16;
function findObjects(text2) {
  const parts = [];
  let from = 0;
  const tellText2 = (end) => {
    const between = text2.slice(from, end).trim();
    if (between !== "") parts.push(between);
  };
  for (let attempts = 0, at = nextStart(text2, 0); at !== -1 && attempts < MAX_ATTEMPTS; ) {
    const end = endOf2(text2, at);
    const value = end === -1 ? void 0 : parse(text2.slice(at, end));
    if (isObject(value)) {
      tellText2(at);
      parts.push(value);
      from = end;
      at = nextStart(text2, end);
      continue;
    }
    attempts++;
    at = nextStart(text2, at + 1);
  }
  tellText2(text2.length);
  return parts;
}
var START = /\{\s*"/g;
function nextStart(text2, from) {
  START.lastIndex = from;
  return START.exec(text2)?.index ?? -1;
}
var MARKS = /["{}]/g;
function endOf2(text2, start) {
  let depth = 0;
  MARKS.lastIndex = start;
  for (let mark = MARKS.exec(text2); mark !== null; mark = MARKS.exec(text2)) {
    if (mark[0] === "{") depth++;
    else if (mark[0] === "}" && --depth === 0) return mark.index + 1;
    else if (mark[0] === '"') {
      const close = endOfString(text2, mark.index + 1);
      if (close === -1) return -1;
      MARKS.lastIndex = close;
    }
  }
  return -1;
}
function endOfString(text2, from) {
  for (let at = text2.indexOf('"', from); at !== -1; at = text2.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text2[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
  return -1;
}
var HEAD_CHARS = 65536;
function readCut({ text: text2, tail = "", missingBytes = 0 }) {
  const head = clean(text2.slice(0, HEAD_CHARS));
  const start = nextStart(head, 0);
  const cut = text2.slice(0, 200);
  if (start === -1) return [cut];
  const before = head.slice(0, start).trim();
  const begun = head.slice(start).replace(/\\(?:u[0-9a-fA-F]{0,3})?$/, "");
  const omitted = Math.max(0, text2.length - HEAD_CHARS) + missingBytes;
  const joined = `${begun}[\u2026 about ${omitted} characters \u2026]`;
  const value = parse(joined + tail) ?? parse(joined + tail.slice(1)) ?? parse(closed(begun));
  const parts = isObject(value) ? [object(value)] : [cut];
  return before === "" || !isObject(value) ? parts : [before, ...parts];
}
function closed(begun) {
  const open = [];
  let complete = "";
  let isKey = true;
  const closing = () => open.toReversed().map((bracket) => bracket === "{" ? "}" : "]").join("");
  for (let at = 0; at < begun.length; at++) {
    const mark = begun[at];
    if (mark === "{" || mark === "[") {
      open.push(mark);
      isKey = mark === "{";
      complete = begun.slice(0, at + 1) + closing();
    } else if (mark === "}" || mark === "]") {
      open.pop();
      isKey = false;
      complete = begun.slice(0, at + 1) + closing();
    } else if (mark === ",") {
      complete = begun.slice(0, at) + closing();
      isKey = open.at(-1) === "{";
    } else if (mark === ":") isKey = false;
    else if (mark === '"') {
      const end = endOfString(begun, at + 1);
      if (end === -1) return isKey ? complete : `${begun}"${closing()}`;
      at = end - 1;
    }
  }
  return complete;
}
function parse(text2) {
  try {
    return JSON.parse(text2);
  } catch {
    return void 0;
  }
}

// lib/providers/json-lines.ts
function tellText(text2, { truncated, partial }, log) {
  if (truncated) {
    log.progress("notice", "A line that is longer than the cap was skipped.", { begins: text2 });
  } else if (partial && text2.trimStart().startsWith("{")) {
    log.progress("notice", "The output ended inside a line.", { begins: text2 });
  } else if (text2.trim() !== "") log.progress("notice", text2, { what: "text" });
}

// lib/providers/process-end.ts
function plain(text2) {
  return text2.replace(/\x1b\[[0-9;]*m/g, "");
}
function lastErrorLine({ stderrTail }) {
  const lines = plain(stderrTail).split("\n").map((line2) => line2.trim());
  return lines.findLast((line2) => line2 !== "");
}
function howEnded({ exitCode, signal }) {
  return signal === null ? `exit code ${String(exitCode)}` : `signal ${signal}`;
}

// lib/providers/tool-kind.ts
var KINDS = [
  ["read", ["read", "readfile", "readmanyfiles", "readimage", "view", "viewimage", "notebookread", "cat", "lsp", "readlints"]],
  ["edit", [
    "edit",
    "multiedit",
    "write",
    "writefile",
    "notebookedit",
    "replace",
    "applypatch",
    "patch",
    "strreplace",
    "strreplaceeditor",
    "create",
    "createfile",
    "editfile",
    "delete",
    "deletefile",
    "move",
    "filechange",
    "insert",
    "texteditor"
  ]],
  ["search", [
    "grep",
    "glob",
    "ls",
    "list",
    "listdirectory",
    "listdir",
    "listfiles",
    "search",
    "searchfilecontent",
    "searchfiles",
    "find",
    "codesearch",
    "toolsearch",
    "grepsearch",
    "codebasesearch",
    "ripgrep"
  ]],
  ["shell", [
    "bash",
    "sh",
    "shell",
    "execute",
    "exec",
    "execcommand",
    "runshellcommand",
    "runterminalcmd",
    "terminal",
    "command",
    "commandexecution",
    "powershell",
    "bashoutput",
    "killshell",
    "killbash",
    "localshell",
    "executecommand",
    "monitor"
  ]],
  ["web", ["webfetch", "websearch", "googlewebsearch", "fetch", "browser", "webfetchtool", "fetchurl"]],
  ["agent", [
    "task",
    "agent",
    "subagent",
    "spawnagent",
    "waitagent",
    "waitforagent",
    "delegate",
    "delegatetask",
    "codebaseinvestigator",
    "sendmessage",
    "taskoutput",
    "agentoutput",
    "sendinput",
    "closeagent"
  ]],
  ["person", ["askuserquestion", "askuser", "ask", "question", "requestuserinput", "askfollowupquestion", "exitplanmode"]],
  ["plan", [
    "todowrite",
    "todoread",
    "writetodos",
    "updateplan",
    "plan",
    "enterplanmode",
    "taskcreate",
    "taskupdate",
    "tasklist",
    "taskget",
    "updatetopic",
    "todo"
  ]]
];
var BY_NAME = new Map(KINDS.flatMap(([kind, names]) => names.map((name) => [name, kind])));
function toolKindOf(tool, command2) {
  if (/^mcp[_:.]/.test(tool) || /^[\w-]+\.[\w-]+$/.test(tool)) return "mcp";
  const kind = BY_NAME.get(tool.toLowerCase().replace(/[^a-z]/g, "")) ?? (command2 === void 0 ? "other" : "shell");
  return kind === "shell" && command2 !== void 0 ? shellKind(command2) : kind;
}
var BEGINNING = String.raw`(?:^|[;&|(]|\b(?:sudo|time|env|npx|pnpx|bunx|exec|xargs|timeout \S+|poetry run|uv run|bundle exec)\s)\s*(?:\w+=\S*\s+)*`;
var RUNNERS = String.raw`(?:npm|pnpm|yarn|bun)(?:\s+-\S+)*\s+(?:run(?:-script)?\s+)?`;
var TEST = new RegExp(`${BEGINNING}(?:${RUNNERS}(?:t|tst|test)(?:[:.-]\\S*)?(?!\\S)|(?:cargo|go|deno|dotnet|swift|mix|bazel|zig|flutter|make|gradle|\\./gradlew|mvn|\\./mvnw|sbt|rake|rails|php artisan|composer|python3? manage\\.py)\\s(?:[^;&|]*\\s)?(?:[\\w:]*test|check|verify)\\w*(?!\\S)|(?:pytest|py\\.test|jest|vitest|mocha|ava|tap|tox|nox|rspec|phpunit|ctest|playwright test|cypress run|nextest)\\b|(?:python3?|node)\\s+(?:-m\\s+(?:pytest|unittest)|--test)\\b)`);
var BUILD = new RegExp(`${BEGINNING}(?:${RUNNERS}(?:build|compile|lint|typecheck|types|install|ci|i|add)(?:[:.-]\\S*)?(?!\\S)|(?:make|cmake|ninja|tsc|webpack|vite build|esbuild|rollup|eslint|gradle|\\./gradlew|mvn|\\./mvnw|bazel|xcodebuild|docker (?:compose )?build|podman build|gcc|g\\+\\+|clang|rustc|javac)\\b|(?:cargo|go|deno|dotnet|swift|zig|mix|sbt|flutter)\\s+(?:build|compile|check|clippy|vet|install|restore|publish)\\b|(?:pip3?|poetry|uv|bundle|composer|apt|apt-get|brew)\\s+(?:-\\S+\\s+)*(?:install|sync|add)\\b)`);
function shellKind(command2) {
  const line2 = command2.slice(0, 2e3);
  return TEST.test(line2) ? "test" : BUILD.test(line2) ? "build" : "shell";
}

// lib/providers/claude-messages.ts
function claudeAssistant(event, state, log) {
  const message = object(event.message);
  const parentCallId = string(event.parent_tool_use_id);
  if (parentCallId !== void 0) claudeAgentGoesOn(parentCallId, state, log);
  for (const block of objects(message.content)) {
    switch (block.type) {
      case "text":
        text(block, event, state, log);
        break;
      case "thinking":
        log.progress("reasoning", string(block.thinking) ?? "thinking", compact({
          durationMs: event.thinking_duration_ms,
          parentCallId
        }));
        break;
      case "redacted_thinking":
        log.progress("reasoning", "thinking (not shown)", compact({ parentCallId }));
        break;
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use":
        toolUse(block, event, state, log);
        if (block.name === "TodoWrite") plan(block, parentCallId, log);
        break;
      default:
        if (string(block.tool_use_id) !== void 0) toolResult(block, event, state, log);
        else log.unknown(`assistant/${String(block.type)}`, block);
    }
  }
}
function toolUse(block, event, state, log) {
  const parentCallId = string(event.parent_tool_use_id);
  if (parentCallId === void 0) state.answer = "";
  const messageId = string(object(event.message).id);
  const start = { ...claudeToolStart(block, parentCallId), ...compact({ messageId }) };
  if (start.toolKind === "agent") {
    state.agents.set(start.callId, start);
    if (state.agents.size > MAX_AGENTS) state.agents.delete(state.agents.keys().next().value);
  }
  log.toolStart(start);
}
function claudeAgentGoesOn(callId, state, log) {
  const start = state.agents.get(callId);
  if (start === void 0 || !state.background.has(callId) || !log.hasEnded(callId)) return;
  const { messageId, ...again } = start;
  log.toolStart(again);
  log.toolProgress(callId, "goes on in the background", { background: true });
}
var MAX_AGENTS = 1e3;
function text(block, event, state, log) {
  const text2 = string(block.text);
  if (text2 === void 0) return;
  const parentCallId = string(event.parent_tool_use_id);
  const errorClass = string(event.error) ?? string(event.api_error);
  if (event.is_api_error_message === true || errorClass !== void 0) {
    state.lastError = text2;
    if (errorClass !== void 0) state.lastErrorClass = errorClass;
    log.error(text2, compact({ reason: errorClass, status: event.api_error_status }));
    return;
  }
  if (parentCallId === void 0) {
    state.lastText = state.answer = text2;
    const shown = state.partialText === "" ? state.brokenText : state.partialText;
    state.partialText = state.brokenText = "";
    if (shown !== "" && text2.startsWith(shown)) return log.output(text2.slice(shown.length));
  }
  log.output(text2, compact({ source: "assistant", messageId: string(object(event.message).id), parentCallId }));
}
function plan(block, parentCallId, log) {
  const todos = objects(object(block.input).todos);
  const entries = todos.map(({ content, status }) => ({ content: string(content) ?? "", status: planStatus(status) }));
  reportPlan(log, entries, { parentCallId });
}
function claudeUser(event, state, log) {
  if (event.isReplay === true) return;
  const parentCallId = string(event.parent_tool_use_id);
  for (const block of objects(object(event.message).content)) {
    if (block.type === "tool_result") toolResult(block, event, state, log);
    else if (block.type === "text") log.progress("notice", string(block.text) ?? "", compact({ source: "cli", parentCallId }));
    else log.unknown(`user/${String(block.type)}`, block);
  }
}
function toolResult(block, event, state, log) {
  const callId = string(block.tool_use_id) ?? "";
  const failure = object(block.content);
  const hasFailed = /_error$/.test(String(failure.type)) || string(failure.error_code) !== void 0 || (number(failure.return_code) ?? 0) !== 0;
  const isError = block.is_error === true || hasFailed;
  const result2 = resultText(block.content);
  const details = object(event.tool_use_result);
  if (!isError && (state.background.has(callId) || string(details.backgroundTaskId) !== void 0)) {
    state.background.add(callId);
    log.toolProgress(callId, "running in the background", { background: true });
    return;
  }
  const status = state.stopped.has(callId) ? "aborted" : state.denied.has(callId) ? "denied" : isError ? "error" : "ok";
  const exitCode = isError ? /^(?:Error: )?Exit code (\d+)/.exec(result2)?.[1] : void 0;
  log.toolEnd(callId, compact({
    status,
    result: result2,
    exitCode: exitCode === void 0 ? number(failure.return_code) : Number(exitCode),
    parentCallId: string(event.parent_tool_use_id)
  }));
}
function resultText(content) {
  if (typeof content === "string" || Array.isArray(content)) return contentText(content);
  const { error_code: code, error_message: message, stdout, stderr, content: inner } = object(content);
  const texts = [string(code), string(message), string(stdout), string(stderr)].filter((text2) => text2 !== void 0);
  return texts.length > 0 ? texts.join("\n") : contentText(inner);
}
var EDIT_KINDS = {
  Edit: "update",
  MultiEdit: "update",
  NotebookEdit: "update",
  Write: "write"
};
function claudeToolStart(block, parentCallId) {
  const tool = string(block.name) ?? "unknown";
  const input = object(block.input);
  const command2 = string(input.command);
  const toolKind = toolKindOf(tool, tool === "Bash" ? command2 : void 0);
  const call = { callId: string(block.id) ?? "", tool, toolKind, ...compact({ parentCallId }) };
  if (tool === "Bash" && command2 !== void 0) return { ...call, message: execMessage(command2), input };
  const kind = EDIT_KINDS[tool];
  const path = string(input.file_path) ?? string(input.notebook_path);
  if (kind === void 0 || path === void 0) return { ...call, message: toolMessage(tool, input), input };
  const edits = tool === "MultiEdit" ? objects(input.edits) : [input];
  const bytes = edits.reduce((sum2, edit) => {
    return sum2 + Buffer.byteLength(string(edit.content) ?? string(edit.new_string) ?? string(edit.new_source) ?? "");
  }, 0);
  return { ...call, message: toolMessage(tool, input), input: { file_path: path }, files: [{ path, kind, bytes }] };
}

// lib/providers/claude-permissions.ts
function claudeAsks(event, state, log) {
  const request = object(event.request);
  const { subtype } = request;
  if (subtype !== "can_use_tool" && subtype !== "elicitation") return;
  const callId = string(request.tool_use_id);
  const tool = string(request.display_name) ?? string(request.tool_name) ?? string(request.mcp_server_name) ?? "a tool";
  const text2 = subtype === "elicitation" ? `${tool}: ${string(request.message) ?? ""}` : toolMessage(tool, askedOf(request));
  state.asked.set(string(event.request_id) ?? "", callId ?? "");
  const message = subtype === "elicitation" ? `Waiting for an answer: ${text2}` : `Waiting for permission: ${text2}`;
  log.waiting("person", message, compact({ what: subtype === "elicitation" ? text2 : `permission: ${text2}`, callId }));
}
function askedOf({ input, description }) {
  const { command: command2, ...rest } = object(input);
  return string(command2) === void 0 ? { ...rest, ...compact({ description }) } : { query: command2 };
}
function claudeAsksNoMore(event, state, log) {
  const callId = state.asked.get(string(event.request_id) ?? "");
  if (callId === void 0) return;
  state.asked.delete(string(event.request_id) ?? "");
  log.progress("notice", "The question was withdrawn.", { what: "permission", callId: string(callId) });
}
function claudeMayGoOn(callId, state, log) {
  for (const [question, asked] of state.asked) {
    if (asked !== callId) continue;
    state.asked.delete(question);
    log.progress("notice", "Permission given.", { what: "permission", callId });
  }
}
function claudeDeferred(event, state, log) {
  const call = object(event.deferred_tool_use);
  const what = string(call.name) === void 0 ? "a decision" : toolMessage(String(call.name), questionOf(call.input));
  log.waiting("person", `Waiting for a person: ${what}`, compact({ what, callId: string(call.id) }));
}
function questionOf(input) {
  const questions = objects(object(input).questions).map(({ question }) => string(question) ?? "");
  return questions.length === 0 ? object(input) : { query: questions.join(" ") };
}
function claudeDenials(event, state, log) {
  const denials = objects(event.permission_denials).filter(({ tool_use_id: id }) => !state.denied.has(String(id)));
  if (denials.length === 0) return;
  const names = [...new Set(denials.map(({ tool_name: name }) => string(name) ?? "a tool"))].slice(0, 10);
  log.progress("notice", `Not allowed: ${names.join(", ")}`, { what: "permission", count: denials.length });
}

// lib/providers/claude-partial.ts
function claudePartial(event, state, log) {
  if (string(event.parent_tool_use_id) !== void 0) return;
  const { type, delta } = object(event.event);
  if (type === "message_start" || type === "content_block_start") {
    if (state.partialText !== "") state.brokenText = state.partialText;
    state.partialText = "";
  }
  const piece = object(delta);
  const text2 = type === "content_block_delta" && piece.type === "text_delta" ? string(piece.text) : void 0;
  if (text2 === void 0) return;
  const before = state.partialText.length;
  state.partialText += text2;
  const { partialText, brokenText } = state;
  if (brokenText === "") return log.output(text2);
  if (brokenText.startsWith(partialText)) return;
  state.brokenText = "";
  if (partialText.startsWith(brokenText)) return log.output(partialText.slice(Math.max(brokenText.length, before)));
  log.output(`
${partialText}`);
}

// lib/providers/claude-system.ts
var IGNORED = /* @__PURE__ */ new Set([
  "task_updated",
  "ui_invalidate",
  "session_state_changed",
  "files_persisted",
  "post_turn_summary",
  "hook_progress"
]);
var NOTICES = /* @__PURE__ */ new Set([
  "informational",
  "notification",
  "model_fallback",
  "model_refusal_no_fallback",
  "local_command_output",
  "hook_started",
  "hook_response",
  "plugin_install",
  "warning"
]);
var THINKING_STEP = 500;
function claudeSystem(event, state, log) {
  const subtype = string(event.subtype) ?? "untyped";
  switch (subtype) {
    case "init":
      return init(event, state, log);
    case "thinking_tokens":
      return thinking(event, state, log);
    case "api_retry":
      return retry(event, log);
    case "permission_denied":
      return denied(event, state, log);
    case "task_started":
    case "task_progress":
    case "task_notification":
      return task(subtype, event, state, log);
    case "status":
      if (event.status === "compacting") log.progress("compaction", "Compacting the conversation.");
      return;
    case "compact_boundary":
      return log.progress("compaction", "The conversation was compacted.", compact({
        trigger: string(object(event.compact_metadata).trigger),
        tokensBefore: number(object(event.compact_metadata).pre_tokens)
      }));
    case "background_tasks_changed":
      state.runningTasks = Array.isArray(event.tasks) ? event.tasks.length : 0;
      return;
  }
  if (NOTICES.has(subtype)) log.progress("notice", noticeText(event) ?? subtype, { what: subtype });
  else if (!IGNORED.has(subtype)) log.unknown(`system/${subtype}`, event);
}
var MISSING = /* @__PURE__ */ new Set(["failed", "needs-auth", "error", "disconnected"]);
function init(event, state, log) {
  const isFirst = state.sessionId === void 0;
  state.sessionId = string(event.session_id) ?? state.sessionId;
  state.model = string(event.model) ?? state.model;
  if (!isFirst) return;
  log.progress("session", `Session ${state.sessionId ?? "started"}`, compact({
    sessionId: state.sessionId,
    model: state.model,
    version: string(event.claude_code_version)
  }));
  const missing = objects(event.mcp_servers).filter(({ status }) => MISSING.has(String(status)));
  if (missing.length === 0) return;
  const names = missing.map(({ name, status }) => `${String(name)} (${String(status)})`).join(", ");
  log.progress("notice", `MCP servers that are not available: ${names}`, {
    what: "mcp",
    servers: missing.slice(0, 50).map(({ name, status }) => ({ name, status }))
  });
}
function thinking(event, state, log) {
  const tokens = number(event.estimated_tokens) ?? 0;
  if (tokens < state.thinkingTokens) state.thinkingTokens = 0;
  if (state.thinkingTokens > 0 && tokens - state.thinkingTokens < THINKING_STEP) return;
  state.thinkingTokens = tokens;
  log.progress("reasoning", `thinking, about ${tokens} tokens so far`, { tokens, live: true });
}
function retry(event, log) {
  const status = number(event.error_status);
  const isLimited = status === 429 || status === 529;
  const what = isLimited ? "rate limit" : status === void 0 ? "network" : `API error ${status}`;
  const delayMs = number(event.retry_delay_ms);
  const [attempt, maxAttempts] = [number(event.attempt), number(event.max_retries)];
  const message = `Waiting for a retry after ${what} (${attempt ?? "?"} of ${maxAttempts ?? "?"})`;
  const waitKind = isLimited ? "rate_limit" : status === void 0 ? "network" : "retry";
  log.retry(isLimited || status === void 0 ? "waiting" : "retry", message, delayMs, compact({
    waitKind,
    what,
    attempt,
    maxAttempts,
    status,
    error: string(event.error)
  }));
}
function denied(event, state, log) {
  const callId = string(event.tool_use_id);
  if (callId !== void 0) state.denied.add(callId);
  log.progress("notice", string(event.message) ?? "Permission denied.", compact({ what: "permission", callId }));
}
function task(subtype, event, state, log) {
  const callId = string(event.tool_use_id);
  if (callId === void 0) return;
  const description = string(event.description) ?? string(event.summary) ?? subtype;
  if (subtype !== "task_notification") {
    if (event.is_backgrounded === true) state.background.add(callId);
    claudeAgentGoesOn(callId, state, log);
    claudeMayGoOn(callId, state, log);
    const last = string(event.last_tool_name);
    log.toolProgress(callId, `running: ${description}`, compact({ lastTool: last, task: string(event.task_type) }));
    return;
  }
  if (event.status === "stopped") state.stopped.add(callId);
  if (!state.background.has(callId) || !log.isOpen(callId)) return;
  const status = event.status === "completed" ? "ok" : event.status === "stopped" ? "aborted" : "error";
  log.toolEnd(callId, compact({
    status,
    result: string(event.summary),
    isBackground: true
  }));
}
function noticeText(event) {
  return string(event.content) ?? string(event.message) ?? string(event.text) ?? string(event.hook_name);
}

// lib/providers/claude-result.ts
function claudeUsage(results, isResumed) {
  if (results.length === 0) return void 0;
  const perModel = results.flatMap((result2) => Object.values(object(result2.model_usage_since_last_result)).map(object));
  const isTold = results.some((result2) => "model_usage_since_last_result" in result2);
  if (isTold) {
    return compact({
      inputTokens: sum(perModel, "inputTokens") ?? 0,
      outputTokens: sum(perModel, "outputTokens") ?? 0,
      cacheReadTokens: sum(perModel, "cacheReadInputTokens"),
      cacheWriteTokens: sum(perModel, "cacheCreationInputTokens"),
      reasoningTokens: sum(perModel, "thinkingTokens"),
      costUsd: sum(perModel, "costUSD") ?? 0
    });
  }
  const usages = results.map(({ usage }) => object(usage));
  return compact({
    inputTokens: sum(usages, "input_tokens") ?? 0,
    outputTokens: sum(usages, "output_tokens") ?? 0,
    cacheReadTokens: sum(usages, "cache_read_input_tokens"),
    cacheWriteTokens: sum(usages, "cache_creation_input_tokens"),
    costUsd: isResumed ? void 0 : number(results.at(-1).total_cost_usd)
  });
}
function claudeFailure(result2, { lastErrorClass }) {
  if (isDeferred(result2)) return { error: deferralOf(result2), reason: "deferred" };
  if (result2.is_error !== true && result2.subtype === "success") return void 0;
  const words = [string(result2.terminal_reason), string(result2.subtype)];
  const told = words.find((word) => word !== "completed" && word !== "success");
  const reason = told ?? lastErrorClass ?? (/^API Error/.test(String(result2.result)) ? "api_error" : "error");
  if (reason.startsWith("aborted")) return { error: "The run was interrupted.", reason };
  const errors = Array.isArray(result2.errors) ? result2.errors.map(String).join("\n") : "";
  return { error: string(result2.result) ?? string(errors) ?? `Claude ended with ${String(result2.subtype)}.`, reason };
}
function isDeferred(result2) {
  const { terminal_reason: reason, stop_reason: stop, deferred_tool_use: call } = result2;
  return reason === "tool_deferred" || stop === "tool_deferred" || string(object(call).id) !== void 0;
}
function deferralOf({ deferred_tool_use: call }) {
  const { name, input } = object(call);
  const tool = string(name);
  const question = string(objects(object(input).questions)[0]?.question);
  const what = tool === void 0 ? "" : ` on ${toolMessage(tool, question === void 0 ? input : { query: question })}`;
  return `A person has to decide${what}; the session can then be resumed.`;
}
function sum(parts, name) {
  const values = parts.map((part) => number(part[name])).filter((value) => value !== void 0);
  return values.length === 0 ? void 0 : values.reduce((a, b) => a + b);
}

// lib/providers/claude-events.ts
function createClaudeState(isResumed) {
  return {
    isResumed,
    lastText: "",
    answer: "",
    results: [],
    denied: /* @__PURE__ */ new Set(),
    asked: /* @__PURE__ */ new Map(),
    agents: /* @__PURE__ */ new Map(),
    lineIds: /* @__PURE__ */ new Set(),
    stopped: /* @__PURE__ */ new Set(),
    background: /* @__PURE__ */ new Set(),
    runningTasks: 0,
    thinkingTokens: 0,
    partialText: "",
    brokenText: ""
  };
}
var IGNORED2 = /* @__PURE__ */ new Set(["control_response", "keep_alive", "auth_status", "prompt_suggestion"]);
var MAX_LINE_IDS = 64;
function claudeEvent(event, state, log) {
  const type = string(event.type) ?? "untyped";
  if (isRepeated(event, state)) return;
  if (type === "assistant" || type === "user" || event.subtype === "init") delete state.outcome;
  switch (type) {
    case "system":
      return claudeSystem(event, state, log);
    case "assistant":
      return claudeAssistant(event, state, log);
    case "user":
      return claudeUser(event, state, log);
    case "stream_event":
      return claudePartial(event, state, log);
    case "result":
      return result(event, state, log);
    case "tool_progress":
      return toolProgress(event, state, log);
    case "control_request":
      return claudeAsks(event, state, log);
    case "control_cancel_request":
      return claudeAsksNoMore(event, state, log);
    case "rate_limit_event":
      return rateLimit(event, log);
  }
  if (!IGNORED2.has(type)) log.unknown(type, event);
}
function isRepeated({ uuid }, { lineIds }) {
  const id = string(uuid);
  if (id === void 0) return false;
  if (lineIds.has(id)) return true;
  lineIds.add(id);
  if (lineIds.size > MAX_LINE_IDS) lineIds.delete(lineIds.values().next().value);
  return false;
}
function result(event, state, log) {
  state.results.push(event);
  state.sessionId ??= string(event.session_id);
  reportUsage(log, claudeUsage([event], state.isResumed));
  const failure = claudeFailure(event, state);
  state.outcome = failure === void 0 ? "success" : "failure";
  if (isDeferred(event)) {
    claudeDeferred(event, state, log);
    return;
  }
  claudeDenials(event, state, log);
  if (failure !== void 0 && failure.error !== state.lastError) log.error(failure.error, { reason: failure.reason });
  if (state.runningTasks > 0) {
    log.waiting("background", "Waiting for background tasks.", { what: "background", tasks: state.runningTasks });
  }
}
function toolProgress(event, state, log) {
  const seconds = number(event.elapsed_time_seconds);
  const callId = string(event.parent_tool_use_id) ?? string(event.tool_use_id) ?? "";
  claudeMayGoOn(callId, state, log);
  const message = `${string(event.tool_name) ?? "tool"}: running${seconds === void 0 ? "" : ` for ${seconds} s`}`;
  log.toolProgress(callId, message, { elapsedMs: seconds === void 0 ? void 0 : seconds * 1e3 });
}
function rateLimit(event, log) {
  const { status, resetsAt, rateLimitType } = object(event.rate_limit_info);
  if (status === "allowed" || status === void 0) return;
  const seconds = number(resetsAt);
  const until = seconds === void 0 ? void 0 : new Date(seconds * 1e3).toISOString();
  const message = `Rate limit: ${String(status)}.`;
  const details = compact({ what: "rate limit", until, limit: string(rateLimitType) });
  if (status === "rejected") log.waiting("usage_limit", message, details);
  else log.progress("notice", message, details);
}

// lib/providers/claude-format.ts
var claudeFormat = {
  name: "claude",
  recognise: (objects2) => Math.max(...objects2.map(confidence)),
  sessionOf: ({ session_id: sessionId }) => string(sessionId),
  resumes: (commandLine3) => /\bclaude\b.*\s(--resume|-r|--continue|-c)(?![\w-])/.test(commandLine3),
  createParser({ isResumed }) {
    const state = createClaudeState(isResumed);
    return {
      event(event, log) {
        claudeEvent(event, state, log);
      },
      facts: () => facts(state),
      verdict: (end) => verdict(state, end)
    };
  }
};
var MESSAGE_TYPES = /* @__PURE__ */ new Set(["assistant", "user", "stream_event"]);
function confidence(event) {
  const { type, subtype, session_id: sessionId, message } = event;
  if (string(sessionId) === void 0) return 0;
  if (type === "system" && subtype === "init") {
    if (string(event.claude_code_version) !== void 0) return 1;
    if (Object.keys(event).some((key) => key.endsWith("_version"))) return 0;
    const { tools, mcp_servers: servers, permissionMode } = event;
    const isComplete = Array.isArray(tools) && Array.isArray(servers) && string(permissionMode) !== void 0;
    return isComplete ? 0.9 : 0;
  }
  if (type === "result") return "total_cost_usd" in event && "num_turns" in event ? 0.9 : 0;
  if (MESSAGE_TYPES.has(String(type))) return /^claude-/.test(String(object(message).model)) ? 0.6 : 0.3;
  return type === "rate_limit_event" || type === "tool_progress" ? 0.6 : type === "system" ? 0.2 : 0;
}
function facts(state) {
  const { outcome, runningTasks } = state;
  return { ...compact({ outcome }), hasBackgroundWork: runningTasks > 0 };
}
function verdict(state, end) {
  const { sessionId, model, results } = state;
  const result2 = results.at(-1);
  const usage = claudeUsage(results, state.isResumed);
  const known = compact({ sessionId, model, usage });
  if (result2 === void 0) {
    const error2 = state.lastError ?? lastErrorLine(end) ?? `Claude ended without a result (${howEnded(end)}).`;
    return { ...known, success: false, response: state.lastText, error: error2, reason: "no-result" };
  }
  const failure = claudeFailure(result2, state);
  if (failure !== void 0) return { ...known, ...failure, success: false, response: state.lastText };
  const response = responseOf(result2, state);
  if (end.exitCode === 0) return { ...known, success: true, response };
  const error = `Claude reported success, but ended with ${howEnded(end)}.`;
  return { ...known, success: false, response, error, reason: "exit-code" };
}
function responseOf({ result: result2, structured_output: data }, { answer }) {
  return string(result2) ?? (data === void 0 || data === null ? answer : JSON.stringify(data));
}

// lib/providers/judge.ts
function judge(name, facts2, end) {
  const { sessionId, model, usage, outcome, response = "", isOutcomeByExit = false } = facts2;
  const known = { ...compact({ sessionId, model, usage }), response };
  if (outcome === "failure") {
    const error2 = facts2.error ?? lastErrorLine(end) ?? `${name} said that it failed.`;
    return { ...known, success: false, error: error2, reason: facts2.reason ?? "failed" };
  }
  const isDone = outcome === "success" || isOutcomeByExit;
  if (isDone && end.exitCode === 0) return { ...known, success: true };
  const said = outcome === "success" ? `${name} reported success, but ended with ${howEnded(end)}.` : void 0;
  const error = said ?? facts2.error ?? lastErrorLine(end) ?? `${name} ended without a result (${howEnded(end)}).`;
  return { ...known, success: false, error, reason: facts2.reason ?? (isDone ? "exit-code" : "no-result") };
}

// lib/providers/format-adapter.ts
function createFormatAdapter(format, invocation) {
  return {
    name: format.name,
    ...invocation,
    start: ({ sessionId, model }) => format.createParser(compact({ isResumed: sessionId !== void 0, model })),
    line: parseLine,
    errorLine(line2, parser, log) {
      parser.errorLine?.(line2, log);
    },
    facts: (parser) => parser.facts(),
    verdict: (parser, end) => verdictOf(format, parser, end)
  };
}
function parseLine(line2, parser, log) {
  if (parser.line !== void 0) return parser.line(line2, log);
  if (parser.isNoise?.(line2.text) === true) return;
  for (const part of readJsonLine(line2)) {
    if (typeof part !== "string") parser.event(part, log);
    else if (parser.text === void 0) tellText(part, line2, log);
    else parser.text(part, log);
  }
}
function verdictOf(format, parser, end) {
  return parser.verdict?.(end) ?? judge(format.name, parser.facts(), end);
}

// lib/providers/claude.ts
function claude(options) {
  return createAgent(claudeAdapter, options);
}
var claudeAdapter = createFormatAdapter(claudeFormat, {
  command: "claude",
  // "piped stdin input exceeds 10MB"
  promptLimit: { bytes: 1e7 },
  args: ({ model, sessionId }, extraArgs) => [
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    "--dangerously-skip-permissions",
    ...model === void 0 ? [] : ["--model", model],
    ...sessionId === void 0 ? [] : ["--resume", sessionId],
    ...extraArgs
  ],
  // As root it refuses to skip permissions unless it is told that it runs in a sandbox.
  env: () => process.getuid?.() === 0 ? { IS_SANDBOX: "1" } : {}
});

// lib/providers/command.ts
import { basename } from "node:path";
var MAX_RESPONSE_CHARACTERS = 1048576;
function command(options) {
  return createAgent(createCommandAdapter(options.name ?? basename(options.command), options.command), options);
}
function createCommandAdapter(name, command2) {
  return {
    name,
    command: command2,
    args: (_call, extraArgs) => extraArgs,
    start: () => ({ lines: [], characters: 0 }),
    line,
    errorLine({ text: text2 }, _state, log) {
      log.output(`${text2}
`, { stream: "stderr" });
    },
    verdict({ lines }, end) {
      const response = endOfText(lines.join("\n").trim(), MAX_RESPONSE_CHARACTERS);
      if (end.exitCode === 0) return { success: true, response };
      const error = lastErrorLine(end) ?? lines.map(plain).findLast((text2) => text2.trim() !== "") ?? `${name} ended with ${howEnded(end)}.`;
      return { success: false, response, error, reason: "exit-code" };
    }
  };
}
function line({ text: text2, partial, tail, missingBytes = 0 }, state, log) {
  const whole = tail === void 0 ? text2 : `${text2}${missingBytes > 0 ? `[\u2026 ${missingBytes} bytes \u2026]` : ""}${tail}`;
  keepLine(whole, state);
  log.output(partial ? whole : `${whole}
`);
}
function keepLine(text2, state) {
  state.lines.push(text2);
  state.characters += text2.length;
  if (state.characters > 2 * MAX_RESPONSE_CHARACTERS) {
    const kept = endOfText(state.lines.join("\n"), MAX_RESPONSE_CHARACTERS);
    state.lines.splice(0, state.lines.length, kept);
    state.characters = kept.length;
  }
}

// test/lib/providers/player.ts
import { readFileSync as readFileSync2, writeFileSync } from "node:fs";
import { basename as basename2, join as join2 } from "node:path";
import ts from "typescript";
function compileProgram(dir, source) {
  const { outputText } = ts.transpileModule(readFileSync2(new URL(source, import.meta.url), "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  });
  const path = join2(dir, basename2(source).replace(/\.ts$/, ".mjs"));
  writeFileSync(path, outputText);
  return path;
}

// test/lib/providers/recordings.ts
import { existsSync, readFileSync as readFileSync3, readdirSync as readdirSync2 } from "node:fs";
import { join as join3 } from "node:path";
var transcripts = new URL("../../fixtures/transcripts/", import.meta.url).pathname;
function recordingsOf(cli2, suffix = ".stdout.ndjson") {
  const names = readdirSync2(join3(transcripts, cli2)).filter((name) => name.endsWith(suffix));
  return names.map((name) => recording(cli2, name.slice(0, -suffix.length), suffix));
}
function recording(cli2, name, suffix = ".stdout.ndjson") {
  const base = join3(transcripts, cli2, name);
  const meta = JSON.parse(readFileSync3(`${base}.meta.json`, "utf8"));
  const stderr = existsSync(`${base}.stderr.txt`) ? readFileSync3(`${base}.stderr.txt`) : Buffer.alloc(0);
  const file = `${base}${suffix}`;
  return { name, file, stdout: readFileSync3(file), stderr, exitCode: meta.exit_code, signal: meta.signal };
}
function read(adapter, { stdout, stderr, exitCode, signal }, { cuts = [], call = {} } = {}) {
  const activities = [];
  const warnings = [];
  const log = createActivityLog({
    onActivity: (activity) => {
      activities.push(activity);
    },
    warn: (message) => {
      warnings.push(message);
    },
    clock: () => Date.UTC(2026, 0, 1),
    monotonicClock: () => 0
  });
  const state = adapter.start(call);
  for (const [bytes, line2] of [[stderr, adapter.errorLine], [stdout, adapter.line]]) {
    const splitter = createLineSplitter();
    let from = 0;
    for (const cut of [...bytes === stdout ? cuts : [], bytes.length]) {
      for (const whole of splitter.push(bytes.subarray(from, cut))) line2?.call(adapter, whole, state, log);
      from = cut;
    }
    const last = splitter.end();
    if (last !== void 0) line2?.call(adapter, last, state, log);
  }
  const end = { exitCode, signal, durationMs: 0, stderrTail: stderr.subarray(-8192).toString(), survivors: [] };
  const result2 = finish(adapter.verdict(state, end), end, log, {});
  return { activities, result: result2, warnings };
}

// test/lib/providers/agent.test.ts
var cli = "claude-2.1.330";
var env = { NODE_OPTIONS: void 0 };
var player = compileProgram(t.testdir(), "../../../examples/player.ts");
var play = (name) => claude({ command: process.execPath, args: [player, recording(cli, name).file, "--speed", "1000"], env, killGraceMs: 300 });
function collect() {
  const activities = [];
  return { activities, onActivity: (activity) => {
    activities.push(activity);
  } };
}
function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync4(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
var timeless = (activities) => activities.map(({ type, message, metadata }) => {
  const { durationMs, until, ...rest } = metadata ?? {};
  return { type, message, rest };
});
function fake(t2, code) {
  const path = join4(t2.testdir({ "package.json": '{ "type": "commonjs" }' }), "fake-claude");
  writeFileSync2(path, `#!${process.execPath}
${code}`);
  chmodSync(path, 493);
  return path;
}
var RESULT = 'console.log(JSON.stringify({ type: "result", subtype: "success", is_error: false, result: JSON.stringify(process.argv.slice(2)) }))';
t.test("every recording played as a process gives what its bytes give", async (t2) => {
  for (const recorded of recordingsOf(cli)) {
    const { activities, onActivity } = collect();
    const result2 = await play(recorded.name).invoke("tour", { onActivity });
    const expected = read(claudeAdapter, recorded);
    t2.strictSame(timeless(activities), timeless(expected.activities), recorded.name);
    t2.strictSame({ ...result2, durationMs: 0 }, { ...expected.result, durationMs: 0 }, recorded.name);
  }
});
t.test("activities arrive while the agent runs, not at its end", async (t2) => {
  const file = join4(t2.testdir(), "heard");
  const wait = `const wait = setInterval(() => { if (require('node:fs').existsSync(${JSON.stringify(file)})) { clearInterval(wait); ${RESULT} } }, 5)`;
  const agent = claude({ command: process.execPath, args: ["-e", `console.log('{"type":"novel"}'); ${wait}`], env });
  const result2 = await agent.invoke("", { onActivity: () => {
    writeFileSync2(file, "");
  } });
  t2.equal(result2.success, true);
});
t.test("the flags for model and session are the CLI's own, the prompt goes to stdin", async (t2) => {
  const command2 = fake(t2, `process.stdin.resume().on('end', () => { ${RESULT} })`);
  const flags = async (options, invoke) => JSON.parse((await claude({ command: command2, env, ...options }).invoke("x", invoke)).response);
  const defaults = ["-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"];
  t2.strictSame(await flags({}, {}), defaults);
  t2.strictSame(await flags({ args: [] }, {}), defaults, "an empty list means the defaults");
  t2.strictSame(await flags({ extraArgs: ["--x"] }, { model: "opus", sessionId: "s1" }), [...defaults, "--model", "opus", "--resume", "s1", "--x"]);
  t2.strictSame(await flags({ args: ["a", "b"] }, { model: "opus", sessionId: "s1" }), ["a", "b"], "args replaces everything");
  t2.strictSame(await flags({ args: ({ model = "" }) => ["-m", model] }, { model: "opus" }), ["-m", "opus"]);
});
t.test("environment and working directory are the agent's, unless the call names another directory", async (t2) => {
  const code = 'console.log(JSON.stringify({ type: "result", subtype: "success", result: JSON.stringify([process.cwd(), process.env.A, process.env.HOME ?? null]) }))';
  const [one, two] = [t2.testdir({ one: {}, two: {} })].flatMap((dir) => [join4(dir, "one"), join4(dir, "two")]);
  const agent = claude({ command: process.execPath, args: ["-e", code], env: { ...env, A: "a", HOME: void 0 }, cwd: one });
  t2.strictSame(JSON.parse((await agent.invoke("")).response), [one, "a", null]);
  t2.strictSame(JSON.parse((await agent.invoke("", { cwd: two })).response), [two, "a", null]);
});
t.test("a run over its time is ended, its open tool call aborted, what it said is kept", async (t2) => {
  const { activities, onActivity } = collect();
  const line2 = readFileSync4(recording(cli, "kill-kill-tool").file, "utf8");
  const code = `process.stdout.write(${JSON.stringify(line2)}); setInterval(() => process.stderr.write('.'), 10)`;
  const agent = claude({ command: process.execPath, args: ["-e", code], env, killGraceMs: 200 });
  const result2 = await agent.invoke("", { timeout: 500, onActivity });
  t2.match(result2, { success: false, timedOut: true, reason: "timeout", error: /500 ms/, response: "Starting a long build.", signal: "SIGTERM", sessionId: /^[0-9a-f-]{36}$/ });
  t2.match(activities.at(-1), { type: "tool_exec", metadata: { phase: "end", status: "aborted" } });
});
t.test("an agent that ignores SIGTERM, with children in sessions of their own, is gone a second after the grace", async (t2) => {
  const STUBBORN = "process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1e6)";
  const LOOP = "trap '' TERM; echo $$; while :; do sleep 1; done";
  const code = `
    const { spawn } = require('node:child_process')
    const { STUBBORN, NESTED } = process.env
    process.on('SIGTERM', () => {})
    for (let i = 0; i < 2; i++) spawn(process.execPath, ['-e', STUBBORN], { detached: true, stdio: 'inherit' })
    spawn('sh', ['-c', NESTED], { detached: true, stdio: 'inherit' })
    console.log(process.pid); setInterval(() => console.error('busy'), 50)`;
  const NESTED = 'setsid "$NODE" -e "$STUBBORN" & setsid sh -c "$LOOP"';
  const { activities, onActivity } = collect();
  const [timeout, killGraceMs] = [2500, 700];
  const treeEnv = { ...env, STUBBORN, LOOP, NESTED, NODE: process.execPath };
  const startedAt = performance.now();
  const agent = command({ command: process.execPath, args: ["-e", code], env: treeEnv, killGraceMs });
  const result2 = await agent.invoke("", { timeout, onActivity });
  const lateMs = performance.now() - startedAt - timeout;
  t2.match(result2, { success: false, timedOut: true, reason: "timeout", signal: "SIGKILL" });
  t2.comment(`settled ${Math.round(lateMs)} ms after the timeout, grace ${killGraceMs}`);
  const printed = activities.filter(({ metadata }) => metadata?.stream !== "stderr").map(({ message }) => Number(message));
  const pids = printed.filter((pid) => pid > 0);
  t2.equal(pids.length, 5);
  t2.strictSame(pids.filter(isAlive), [], "no process of the tree is left");
});
t.test("an aborted run says so", async (t2) => {
  const controller = new AbortController();
  const agent = claude({ command: process.execPath, args: ["-e", 'console.log("{}"); setInterval(() => {}, 1e6)'], env, killGraceMs: 200 });
  const result2 = await agent.invoke("", { signal: controller.signal, onActivity: () => {
    controller.abort();
  } });
  t2.match(result2, { success: false, timedOut: false, reason: "aborted", error: "The run was aborted." });
});
t.test("a callback that throws or rejects does not break the run, and is warned about once", async (t2) => {
  const warnings = [];
  const heard = (warning) => {
    if (/onActivity/.test(warning.message)) warnings.push(warning.message);
  };
  process.on("warning", heard);
  t2.teardown(() => {
    process.off("warning", heard);
  });
  const expected = read(claudeAdapter, recording(cli, "main")).activities.length;
  for (const fail of [() => {
    throw new Error("host");
  }, async () => {
    throw new Error("host");
  }]) {
    let calls = 0;
    const result2 = await play("main").invoke("", { onActivity: () => {
      calls++;
      return fail();
    } });
    t2.equal(result2.success, true);
    t2.equal(calls, expected);
  }
  t2.equal(warnings.length, 2);
});
t.test("a host that spawns by itself gets the same", async (t2) => {
  const { activities, onActivity } = collect();
  const child = spawn2(process.execPath, [player, recording(cli, "main").file, "--speed", "1000"]);
  child.stdin.end("tour");
  const result2 = await claude().read(child, { onActivity });
  const expected = read(claudeAdapter, recording(cli, "main"));
  t2.strictSame(timeless(activities), timeless(expected.activities));
  t2.match(result2, { success: true, exitCode: 0, usage: expected.result.usage });
});
t.test("a CLI that refuses its flags is told as too old", async (t2) => {
  const said = ["error: unknown option '--x'", "error: unexpected argument '--full-auto' found", "Unknown arguments: x, y"];
  for (const line2 of said) {
    const command2 = fake(t2, `console.error(${JSON.stringify(line2)}); process.exit(2)`);
    await t2.rejects(claude({ command: command2, env }).invoke("x"), { code: "AGENT_TIMELINE_COMMAND_TOO_OLD", message: line2 });
    t2.match(await claude({ command: command2, args: ["--mine"], env }).invoke("x"), { success: false, error: line2 }, "flags of one's own are one's own fault");
  }
});
t.test("what a CLI says on stderr is the error when it said nothing else", async (t2) => {
  const command2 = fake(t2, 'console.error("\\u001b[31mNot logged in\\u001b[0m\\n"); process.exit(1)');
  t2.match(await claude({ command: command2, env }).invoke("x"), { success: false, error: "Not logged in", reason: "no-result", exitCode: 1, stderrTail: /Not logged in/ });
});
t.test("wrong times and prompts that are too long are refused before anything starts", async (t2) => {
  const agent = claude({ command: "no-such-agent-cli" });
  for (const timeout of [0, -1, NaN]) await t2.rejects(agent.invoke("", { timeout }), { code: "AGENT_TIMELINE_INVALID_OPTION" });
  await t2.rejects(agent.invoke("", { silenceTimeout: 0 }), { code: "AGENT_TIMELINE_INVALID_OPTION" });
  await t2.rejects(agent.invoke("\xE9".repeat(5000001)), { code: "AGENT_TIMELINE_PROMPT_TOO_LONG", message: /10000002 bytes, at most 10000000/ });
});
t.test("a missing CLI rejects with its code", async (t2) => {
  await t2.rejects(claude({ command: "no-such-agent-cli" }).invoke("x"), { code: "AGENT_TIMELINE_COMMAND_NOT_FOUND" });
});
