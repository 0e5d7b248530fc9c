/**
 * Oxide in VS Code: finds the language server, starts it, and says in a status item how it is.
 * Everything about kernels is the server's.
 */

import {
  commands,
  env,
  ExtensionContext,
  languages,
  LanguageStatusItem,
  LanguageStatusSeverity,
  LogOutputChannel,
  window,
  workspace,
} from "vscode";
import {
  CloseAction,
  ErrorAction,
  ErrorHandler,
  LanguageClient,
  LanguageClientOptions,
  State,
} from "vscode-languageclient/node";
import { activeInterpreter, pythonApi } from "./python";
import { findServer, INSTALL, Server } from "./server";

const SELECTOR = [
  { language: "python", scheme: "file" },
  { language: "python", scheme: "untitled" },
];

// Settings that name another server or another way to start it.
const RESTARTING = ["oxide.enable", "oxide.serverPath", "oxide.interpreter", "oxide.ptxTarget"];

// A server that ends by itself is started again this often in these milliseconds.
const MOST_CRASHES = 3;
const CRASH_WINDOW = 180_000;

let session: Session | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel("Oxide", { log: true });
  const status = languages.createLanguageStatusItem("oxide", SELECTOR);
  status.name = "Oxide";
  session = new Session(log, status);
  context.subscriptions.push(
    log,
    status,
    commands.registerCommand("oxide.restart", () => session?.restart()),
    commands.registerCommand("oxide.showLog", () => log.show()),
    workspace.onDidChangeConfiguration((change) => {
      if (RESTARTING.some((setting) => change.affectsConfiguration(setting))) {
        void session?.restart();
      }
    }),
  );
  const python = await pythonApi();
  if (python !== undefined) {
    context.subscriptions.push(
      python.environments.onDidChangeActiveEnvironmentPath(() => session?.restart()),
    );
  }
  await session.restart();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** One server at a time; starts and stops queue up behind each other. */
class Session {
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private toldMissing = false;

  constructor(
    private readonly log: LogOutputChannel,
    private readonly status: LanguageStatusItem,
  ) {}

  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.end();
      await this.start();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step).catch((error: unknown) => {
      this.log.error(String(error));
      this.show(LanguageStatusSeverity.Error, "Oxide: failed", String(error));
    });
    return this.queue;
  }

  private async start(): Promise<void> {
    const settings = workspace.getConfiguration("oxide");
    if (!settings.get<boolean>("enable", true)) {
      this.show(LanguageStatusSeverity.Information, "Oxide: off", "oxide.enable is false");
      return;
    }
    this.show(LanguageStatusSeverity.Information, "Oxide: starting", "", true);
    const found = await findServer({
      serverPath: settings.get<string>("serverPath", "").trim(),
      interpreter: settings.get<string>("interpreter", "").trim(),
      activeInterpreter: await activeInterpreter(
        await pythonApi(),
        workspace.workspaceFolders?.[0]?.uri,
      ),
    });
    if ("problem" in found) {
      this.missing(found.problem);
      return;
    }
    await this.launch(found.server, settings.get<string>("ptxTarget", "sm_80"));
  }

  private async launch(server: Server, ptxTarget: string): Promise<void> {
    this.log.info(`starting ${[server.command, ...server.args].join(" ")} (${server.origin})`);
    const run = { command: server.command, args: [...server.args] };
    const options: LanguageClientOptions = {
      documentSelector: SELECTOR,
      outputChannel: this.log,
      initializationOptions: { ptxTarget },
      errorHandler: this.crashes(),
    };
    const client = new LanguageClient("oxide", "Oxide", run, options);
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        const version = client.initializeResult?.serverInfo?.version ?? "";
        this.show(LanguageStatusSeverity.Information, "Oxide", `${version} from ${server.origin}`);
      } else if (newState === State.Stopped && this.client === client) {
        this.show(LanguageStatusSeverity.Error, "Oxide: stopped", "the server has ended");
      }
    });
    this.client = client;
    await client.start();
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      await client.dispose();
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
          return { action: CloseAction.Restart };
        }
        return {
          action: CloseAction.DoNotRestart,
          message: `Oxide's language server has ended ${recent} times; its log says why. "Oxide: Restart Server" tries again.`,
        };
      },
    };
  }

  /** Say once how to install the server; the status item goes on saying it. */
  private missing(problem: string): void {
    this.log.warn(`${problem} Install it: ${INSTALL}`);
    this.show(LanguageStatusSeverity.Warning, "Oxide: not installed", INSTALL);
    if (this.toldMissing) {
      return;
    }
    this.toldMissing = true;
    const copy = "Copy Command";
    const retry = "Retry";
    void window.showWarningMessage(`${problem} Install it with: ${INSTALL}`, copy, retry).then((choice) => {
      if (choice === copy) {
        void env.clipboard.writeText(INSTALL);
      } else if (choice === retry) {
        this.toldMissing = false;
        void this.restart();
      }
    });
  }

  private show(severity: LanguageStatusSeverity, text: string, detail: string, busy = false): void {
    this.status.severity = severity;
    this.status.text = text;
    this.status.detail = detail;
    this.status.busy = busy;
    this.status.command = { command: "oxide.showLog", title: "Show Log" };
  }
}
