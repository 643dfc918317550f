// Our API from the page: same origin, session cookie, CSRF header, problem+json as errors.
import { say } from "./words.js";

/** Where the API is. */
export const root = () => document.body.dataset.api ?? "/api/v1/";

/** The token that proves a request came from our page. */
export const csrf = () => document.querySelector("meta[name=csrf-token]").content;

/** A refused or failed request: `code`, one sentence in `detail`, the `field` at fault and a `hint`. */
export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.detail || say("Something went wrong."));
    this.code = problem.code ?? "";
    this.detail = this.message;
    this.field = problem.field ?? "";
    this.hint = problem.hint ?? "";
    this.status = status;
  }

  /** The sentence for a place that names the field already, or needs no name. */
  get sentence() {
    const bare = this.#bare ?? this.detail;
    return bare.charAt(0).toUpperCase() + bare.slice(1);
  }

  /** The sentence for any other place: where it begins with the field's name, that is `label` instead, as people see it. */
  naming(label) {
    return label && this.#bare !== null ? `${label}: ${this.#bare}` : this.sentence;
  }

  get #bare() {
    const named = `${this.field}: `;
    return this.field && this.detail.startsWith(named) ? this.detail.slice(named.length) : null;
  }

  /** The hint, unless the sentence says it already. */
  get more() {
    return this.hint && !this.detail.includes(this.hint.split(/[,.;]/)[0]) ? this.hint : "";
  }
}

/** The error of a response's text, whatever the server or something before it sent. */
export function problemOf(status, text) {
  try {
    const problem = JSON.parse(text);
    if (problem && typeof problem === "object" && problem.detail) return new ApiError(problem, status);
  } catch { /* not ours: a proxy's page, or nothing */ }
  const known = {
    0: say("The connection to the server was lost."),
    413: say("The file is too large for this server."),
    429: say("That was a little too fast."),
    502: say("The server is being restarted."),
    503: say("The server is busy."),
  };
  return new ApiError({ detail: known[status] ?? say("Something went wrong on our side."), hint: say("Try again in a moment.") }, status);
}

/** Fetch the page's token anew: a sign-in in another tab changes it, a lost cookie ends it. False when the server can't be asked. */
export async function renew() {
  try {
    const response = await fetch("/", { credentials: "same-origin", headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const token = page.querySelector("meta[name=csrf-token]")?.content;
    if (token) document.querySelector("meta[name=csrf-token]").content = token;
    return Boolean(token);
  } catch {
    return false; // offline; whoever asked tries again later
  }
}

/** Call the API; `path` is below /api/v1/. Resolves to the parsed answer, rejects with ApiError. A token that grew old is renewed once. */
export async function api(path, options = {}) {
  try {
    return await call(path, options);
  } catch (error) {
    if (options.method && options.method !== "GET" && (error.status === 401 || error.status === 403) && (await renew())) return call(path, options);
    throw error;
  }
}

async function call(path, { method = "GET", body, headers = {}, signal }) {
  const options = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") options.headers["X-CSRFToken"] = csrf();
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(root() + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw problemOf(0, "");
  }
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return text ? JSON.parse(text) : null;
}

/** A random key that makes a repeated request harmless. Works without a secure context too. */
export function idempotencyKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
