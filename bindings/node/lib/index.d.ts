import type { Agent, AgentOptions } from 'node:https';
import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** Every stable code. */
export const CODES: string[];
/** The protocol level this package speaks. */
export const PROTOCOL_LEVEL: number;

/** Something failed; `code` is its stable code. */
export class PintleError extends Error {
  constructor(code: string, message: string);
  /** As `fetch_failed` or `pin_mismatch`. */
  code: string;
}

/** The pins refuse the connection; no byte of a request was sent. */
export class Refused extends PintleError {
  constructor(host: string, code: string);
  /** Where the request was to go. */
  host: string;
}

/** The refusal that made an HTTP client fail, if one did: clients wrap it in errors of their own. */
export function findRefusal(error: unknown): Refused | undefined;

/** What an app embeds; `pintle.json` holds the same. */
export interface Root {
  /** Its id. */
  organization: string;
  /** Its id. */
  project: string;
  /** In base64, as the dashboard shows it. */
  publicKey: string;
  /** Where the configuration is fetched from; any one will do. */
  urls: string[];
  /** In base64, if the project has one. */
  recoveryKey?: string;
  /** When the app was built, in seconds since 1970: no earlier time is believed. */
  builtAt?: number;
}

/** How much an event matters. */
export type Severity = 'debug' | 'info' | 'warn' | 'error';

/** Something that happened. */
export interface Event {
  /** One word, as `connection` or `config_accepted`. */
  kind: string;
  /** The stable code, where it is a failure or a warning. */
  code?: string;
  /** How much it matters. */
  severity: Severity;
  /** The host it is about. */
  host?: string;
  /** A sentence for people. */
  message: string;
}

/** How an app wants it. The defaults are the strict ones. */
export interface Options {
  /** A signed configuration shipped inside the app, for its very first start. */
  seed?: Uint8Array;
  /** Hosts without an entry pass by the platform's word alone; otherwise they are refused. */
  permissive?: boolean;
  /** Keeps the configuration across restarts. */
  storageDir?: string;
  /** To the last byte of a configuration: 1000 to 120000. */
  fetchTimeoutMs?: number;
  /** How long `setup` waits for the first configuration. */
  timeoutMs?: number;
  /** A collector's URL: it is sent sums of violations, at most once an hour. */
  reportTo?: string;
  /** Is told events. */
  listener?: (event: Event) => void;
  /** Events that matter less are not told. */
  leastSeverity?: Severity;
  /** Authorities for the app's connections, in place of Node's. */
  ca?: ConnectionOptions['ca'];
  /** Authorities for fetching configurations, in place of Node's. */
  configCa?: ConnectionOptions['ca'];
  /** Lets `http` URLs of this machine pass, for tests and trials. */
  dangerousAllowHttpLoopback?: boolean;
}

/** What is known of a connection of another TLS stack. */
export interface Evidence {
  /** A DNS name or an IP address. */
  host: string;
  /** What the server presented, in DER, leaf first. */
  presented: Uint8Array[];
  /** What the TLS stack verified up to a trust anchor; never what was presented. */
  verifiedPath?: Uint8Array[];
  /** Whether it accepts chain, name and dates. */
  platformAccepts: boolean;
  /** The OCSP response that was stapled. */
  ocspResponse?: Uint8Array;
  /** The SignedCertificateTimestampList of the TLS extension. */
  sctList?: Uint8Array;
}

/** What was decided of a connection. */
export interface Decision {
  /** Whether it may carry requests while the generation stays what this says. */
  allowed: boolean;
  /** `not_covered`: allowed by the platform alone; `reported`: allowed although `code` holds. */
  verdict: 'pinned' | 'not_covered' | 'reported' | 'refused';
  /** Of a refusal or of a reported violation. */
  code?: string;
  /** When `Pintle.generation` differs from it, the connection must be decided again before it carries a request. */
  generation: number;
  /** Name of the entry. */
  entry?: string;
  /** Which pin of the entry matched. */
  pin?: number;
  /** Which certificate of the path it matched, 0 being the leaf. */
  position?: number;
  /** The log list is older than 70 days, so that Certificate Transparency only reports. */
  ctListStale: boolean;
}

/** Pinning for one project, running: it refreshes in the background until `close`. Several live side by side. */
export class Pintle {
  private constructor();
  /** The generation of trust now. */
  readonly generation: number;
  /** Waits until a configuration is in force: at once from disk or seed, else until the first refresh is over. */
  ready(options?: { timeoutMs?: number }): Promise<void>;
  /** Refreshes now, and waits until that is over. Rejects with why it failed; what is in force stays. */
  refresh(options?: { timeoutMs?: number }): Promise<void>;
  /**
   * Takes up another project or key, for this process only, and waits for its configuration. Whoever can change what is
   * passed here decides what the app trusts.
   */
  reconfigure(bundle: string | Uint8Array | Root, options?: { timeoutMs?: number }): Promise<void>;
  /** Changes what happens to hosts without an entry. */
  setPermissive(permissive: boolean): void;
  /** Tells every event from now on; returns what ends that. */
  listen(listener: (event: Event) => void): () => void;
  /** Decides a connection of any other TLS stack. */
  check(evidence: Evidence): Promise<Decision>;
  /**
   * A TLS connection that the pins allow: decided again when trust changes, destroyed where trust left it. `session` and
   * `checkServerIdentity` of the options are not used.
   */
  connect(options: ConnectionOptions): Promise<TLSSocket>;
  /** For `https.request`, ws and whatever else takes an `https.Agent`. */
  agent(options?: AgentOptions): Agent;
  /** A dispatcher of undici, for `fetch` and `setGlobalDispatcher`; needs the package `undici`. */
  dispatcher(options?: { connect?: ConnectionOptions; [name: string]: unknown }): any;
  /** An HTTP/2 session whose requests are decided again when trust has changed. */
  http2(authority: string, options?: SecureClientSessionOptions): Promise<ClientHttp2Session>;
  /** Ends the refreshing and every connection. */
  close(): void;
}

/** Sets up pinning from `pintle.json` (its path or bytes) or from the values in it, and waits until a configuration is in force. */
export function setup(bundle: string | Uint8Array | Root, options?: Options): Promise<Pintle>;
/** The same without waiting: until a configuration comes, every connection is refused. */
export function start(bundle: string | Uint8Array | Root, options?: Options): Promise<Pintle>;
/** What `host` presents, in DER, leaf first. It proves nothing, and nothing is sent. */
export function fetchCertificate(
  host: string,
  options?: { port?: number; address?: string; timeoutMs?: number },
): Promise<Buffer[]>;
