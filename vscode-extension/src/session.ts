/** One server at a time: found, started, watched, and in a status item. */

import {
  Diagnostic,
  LanguageStatusItem,
  LanguageStatusSeverity,
  LogOutputChannel,
  workspace,
} from "vscode";
import {
  CloseAction,
  ErrorAction,
  ErrorHandler,
  LanguageClient,
  LanguageClientOptions,
  RevealOutputChannelOn,
  State,
} from "vscode-languageclient/node";
import { Highlighting } from "./highlighting";
import { offer } from "./missing";
import { activeInterpreter, pythonApi } from "./python";
import { pageOf } from "./rules";
import { expanded, findServer, Found, isTooOld, NEEDED, Server } from "./server";

export const SELECTOR = ["file", "untitled", "vscode-notebook", "vscode-notebook-cell"].map(
  (scheme) => ({ language: "python", scheme }),
);

// A server that ends by itself is started again this often in these milliseconds.
const MOST_CRASHES = 3;
const CRASH_WINDOW = 180_000;

/** What the server says of itself. */
interface Health {
  readonly health?: "ok" | "warning" | "error";
  readonly busy?: boolean;
  readonly message?: string;
}

/** Starts and stops queue up behind each other. */
export class Session {
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private told = false;
  private interpreter: string | undefined;
  private detail = "";

  constructor(
    private readonly log: LogOutputChannel,
    private readonly status: LanguageStatusItem,
    private readonly highlighting: Highlighting,
    private readonly started: (client: LanguageClient) => void,
  ) {}

  /** The server's client, while there is one. */
  get running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.end();
      await this.start();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  /** The active environment may be another one: start its server, if it is. */
  async environmentChanged(): Promise<void> {
    if ((await this.active()) !== this.interpreter) {
      this.told = false;
      await this.restart();
    }
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step).catch((error: unknown) => {
      this.log.error(String(error));
      this.show(LanguageStatusSeverity.Error, "Oxide: failed", String(error));
    });
    return this.queue;
  }

  private async active(): Promise<string | undefined> {
    return activeInterpreter(await pythonApi(), workspace.workspaceFolders?.[0]?.uri);
  }

  private async start(): Promise<void> {
    const settings = workspace.getConfiguration("oxide");
    if (!settings.get<boolean>("enable", true)) {
      this.show(LanguageStatusSeverity.Information, "Oxide: off", "oxide.enable is false");
      return;
    }
    this.show(LanguageStatusSeverity.Information, "Oxide: starting", "", true);
    this.interpreter = await this.active();
    const folders = workspace.workspaceFolders ?? [];
    const path = (name: string) => expanded(settings.get<string>(name, "").trim(), folders[0]?.uri.fsPath);
    const found: Found = await findServer({
      serverPath: path("serverPath"),
      interpreter: path("interpreter"),
      activeInterpreter: this.interpreter,
      untrusted: workspace.isTrusted ? [] : folders.map((folder) => folder.uri.fsPath),
    });
    if ("problem" in found) {
      this.missing(found.problem, found.interpreter, "Oxide: not installed");
      return;
    }
    await this.launch(found.server);
  }

  private async launch(server: Server): Promise<void> {
    this.log.info(`starting ${[server.command, ...server.args].join(" ")} (${server.origin})`);
    const run = { command: server.command, args: [...server.args] };
    const options: LanguageClientOptions = {
      documentSelector: SELECTOR,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: { ...workspace.getConfiguration("oxide") },
      initializationFailedHandler: () => false,
      synchronize: { configurationSection: "oxide" },
      // Links of the Markdown that the server writes lead to commands of this extension.
      markdown: { isTrusted: { enabledCommands: ["oxide.showPtx", "oxide.explainRule"] } },
      errorHandler: this.crashes(),
      middleware: {
        handleDiagnostics: (uri, diagnostics, next) => next(uri, diagnostics.map(explained)),
        provideDiagnostics: async (document, previous, token, next) => {
          const report = await next(document, previous, token);
          // The protocol's and the editor's kinds of report have one form.
          if (report !== null && report !== undefined && "items" in report) {
            (report.items as Diagnostic[]).forEach(explained);
          }
          return report;
        },
        provideDocumentSemanticTokens: this.highlighting.take,
      },
    };
    const client = new LanguageClient("oxide", "Oxide", run, options);
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        this.detail = `${client.initializeResult?.serverInfo?.version ?? ""} from ${server.origin}`;
        this.show(LanguageStatusSeverity.Information, "Oxide", this.detail);
      } else if (newState === State.Stopped && this.client === client) {
        this.show(LanguageStatusSeverity.Error, "Oxide: stopped", "the server has ended");
      }
    });
    client.onNotification("oxide/status", (health: Health) => this.heard(health));
    this.client = client;
    this.highlighting.use(client);
    this.started(client);
    await client.start();
    const version = client.initializeResult?.serverInfo?.version ?? "";
    if (isTooOld(version)) {
      await this.end();
      const problem = `Oxide's language server is ${version}, this extension needs ${NEEDED} or newer.`;
      const interpreter = server.args.length > 1 ? server.command : undefined;
      this.missing(problem, interpreter, "Oxide: too old");
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      // One that has never started cannot be stopped either; the next one is another matter.
      this.log.warn(String(error));
    }
  }

  /** Start a server that has ended again, but not one that ends again and again. */
  private crashes(): ErrorHandler {
    const times: number[] = [];
    return {
      error: () => ({ action: ErrorAction.Continue }),
      closed: () => {
        const now = Date.now();
        times.push(now);
        const recent = times.filter((time) => now - time < CRASH_WINDOW).length;
        if (recent < MOST_CRASHES) {
          return { action: CloseAction.Restart, handled: true };
        }
        return {
          action: CloseAction.DoNotRestart,
          message: `Oxide's language server has ended ${recent} times; its log says why. "Oxide: Restart Server" tries again.`,
        };
      },
    };
  }

  /** Say once what is missing; the status item goes on saying it. */
  private missing(problem: string, interpreter: string | undefined, text: string): void {
    this.log.warn(problem);
    this.show(LanguageStatusSeverity.Warning, text, problem);
    if (this.told) {
      return;
    }
    this.told = true;
    void offer(problem, interpreter).then(async (again) => {
      if (again) {
        this.told = false;
        await this.restart();
      }
    });
  }

  private heard({ health = "ok", busy = false, message = "" }: Health): void {
    const severity = {
      ok: LanguageStatusSeverity.Information,
      warning: LanguageStatusSeverity.Warning,
      error: LanguageStatusSeverity.Error,
    }[health];
    this.show(severity, message === "" ? "Oxide" : `Oxide: ${message}`, this.detail, busy);
  }

  private show(severity: LanguageStatusSeverity, text: string, detail: string, busy = false): void {
    this.status.severity = severity;
    this.status.text = text;
    this.status.detail = detail;
    this.status.busy = busy;
    this.status.command = { command: "oxide.showLog", title: "Show Log" };
  }
}

/** A finding whose number opens the page of its rule in the editor. */
function explained(diagnostic: Diagnostic): Diagnostic {
  const { code } = diagnostic;
  if (typeof code === "object" && /^OX\d{3}$/.test(String(code.value))) {
    diagnostic.code = { value: code.value, target: pageOf(String(code.value)) };
  }
  return diagnostic;
}
