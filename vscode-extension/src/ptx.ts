/**
 * Compiled code beside its source. The server makes the documents and knows which line of the
 * source each of their lines comes from; here the two editors follow each other, and statements
 * that became no code are dimmed.
 */

import {
  commands,
  Disposable,
  OverviewRulerLane,
  Range,
  TextDocument,
  TextDocumentChangeEvent,
  TextEditor,
  TextEditorRevealType,
  ThemeColor,
  Uri,
  ViewColumn,
  window,
  workspace,
} from "vscode";
import { LanguageClient, State } from "vscode-languageclient/node";

const SCHEME = "oxide-ptx";
const HIDEABLE = {
  directives: "directives that declare registers, files and sections",
  comments: "comments of the compiler's",
  labels: "labels to which nothing jumps",
  source: "lines of the source between the instructions",
  numbers: "numbers of registers",
};
const TARGETS = ["sm_75", "sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_103", "sm_120", "sm_121"];

/** The server's answer to `oxide/ptx`: lines count from 0, null is no line of the source. */
interface Listing {
  readonly uri: string;
  readonly kernel: string;
  readonly source: string;
  readonly text: string;
  readonly lines: (number | null)[];
  readonly dead: number[];
  readonly problem: string | null;
}

type Options = { stage?: "ptx" | "sass"; target?: string; form?: string };

export class CompiledCode implements Disposable {
  private client: LanguageClient | undefined;
  private readonly listings = new Map<string, Listing>();
  private readonly linked = window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new ThemeColor("editor.wordHighlightStrongBackground"),
    overviewRulerColor: new ThemeColor("editorOverviewRuler.wordHighlightStrongForeground"),
    overviewRulerLane: OverviewRulerLane.Center,
  });
  private readonly dead = window.createTextEditorDecorationType({ opacity: "0.45" });
  private readonly disposables: Disposable[];

  constructor() {
    this.disposables = [
      this.linked,
      this.dead,
      window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
        this.follow(textEditor, selections[0]?.active.line ?? 0);
      }),
      window.onDidChangeVisibleTextEditors((editors) => void this.seen(editors)),
      workspace.onDidChangeTextDocument((change) => this.edited(change)),
      workspace.onDidCloseTextDocument((document) => {
        this.listings.delete(document.uri.toString());
      }),
      commands.registerCommand("oxide.showPtx", (source?: unknown, kernel?: unknown) =>
        this.open({ stage: "ptx" }, source, kernel),
      ),
      commands.registerCommand("oxide.showSass", (source?: unknown, kernel?: unknown) =>
        this.open({ stage: "sass" }, source, kernel),
      ),
      commands.registerCommand("oxide.comparePtx", (document?: unknown) => this.compare(document)),
      commands.registerCommand("oxide.choosePtxTarget", () => this.chooseTarget()),
      commands.registerCommand("oxide.choosePtxContents", () => this.chooseContents()),
    ];
  }

  dispose(): void {
    Disposable.from(...this.disposables).dispose();
  }

  /** There is another server, which has heard of none of these documents. */
  use(client: LanguageClient): void {
    this.client = client;
    this.listings.clear();
    client.onNotification("oxide/ptxChanged", ({ uri }: { uri: string }) => this.fetch(Uri.parse(uri)));
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        const open = workspace.textDocuments.filter(({ uri }) => uri.scheme === SCHEME);
        open.forEach(({ uri }) => void this.fetch(uri));
      }
    });
  }

  // ---------------------------------------------------------------- commands

  /** Show the code of a kernel: the given one, or the one at the cursor. */
  private async open(options: Options, source?: unknown, kernel?: unknown): Promise<void> {
    const editor = window.activeTextEditor;
    const shown = editor === undefined ? undefined : this.listings.get(editor.document.uri.toString());
    if (shown !== undefined && kernel === undefined) {
      await this.show({ textDocument: { uri: shown.source }, kernel: shown.kernel, ...options }, editor?.viewColumn);
      return;
    }
    const uri = typeof source === "string" ? source : source instanceof Uri ? source.toString() : undefined;
    const where = uri ?? editor?.document.uri.toString();
    if (where === undefined) {
      void window.showInformationMessage("Open a file with a kernel first.");
      return;
    }
    const which =
      typeof kernel === "string" ? { kernel } : { position: { line: editor?.selection.active.line ?? 0, character: 0 } };
    await this.show({ textDocument: { uri: where }, ...which, ...options });
  }

  private async show(request: object, column: ViewColumn = ViewColumn.Beside): Promise<void> {
    const listing = await this.client?.sendRequest<Listing | null>("oxide/ptx", request);
    if (listing === undefined || listing === null) {
      void window.showInformationMessage("There is no kernel here that Oxide knows.");
      return;
    }
    const editor = window.activeTextEditor;
    const document = await workspace.openTextDocument(Uri.parse(listing.uri));
    const beside = this.columnOf(listing.source) ?? column;
    const compiled = await window.showTextDocument(document, {
      viewColumn: column === ViewColumn.Beside ? beside : column,
      preserveFocus: true,
      preview: false,
    });
    this.take(document.uri, listing);
    if (editor !== undefined && editor !== compiled) {
      this.follow(editor, editor.selection.active.line);
    }
  }

  /** The column that already shows code of this file. */
  private columnOf(source: string): ViewColumn | undefined {
    return window.visibleTextEditors.find(
      ({ document }) => this.listings.get(document.uri.toString())?.source === source,
    )?.viewColumn;
  }

  private async compare(document?: unknown): Promise<void> {
    const uri = document instanceof Uri ? document : window.activeTextEditor?.document.uri;
    if (uri?.scheme !== SCHEME) {
      void window.showInformationMessage("Show the PTX of a kernel first.");
      return;
    }
    const said = JSON.parse(uri.query) as Record<string, string>;
    const version = (name: string) => uri.with({ query: JSON.stringify({ ...said, version: name }) });
    const title = `${said["kernel"]}: before ↔ now`;
    await commands.executeCommand("vscode.diff", version("previous"), version("compared"), title);
  }

  private async chooseTarget(): Promise<void> {
    const target = await window.showQuickPick(TARGETS, { title: "Compile for which architecture?" });
    if (target !== undefined) {
      await this.open({ target });
    }
  }

  private async chooseContents(): Promise<void> {
    const settings = workspace.getConfiguration("oxide");
    const hidden = new Set(settings.get<string[]>("ptxHide", []));
    const items = Object.entries(HIDEABLE).map(([label, description]) => ({
      label,
      description,
      picked: !hidden.has(label),
    }));
    const picked = await window.showQuickPick(items, { title: "Show in compiled code", canPickMany: true });
    if (picked !== undefined) {
      const shown = new Set(picked.map(({ label }) => label));
      const rest = Object.keys(HIDEABLE).filter((name) => !shown.has(name));
      await settings.update("ptxHide", rest, true);
    }
  }

  // ---------------------------------------------------------------- what the server knows

  private async fetch(uri: Uri): Promise<void> {
    const listing = await this.client?.sendRequest<Listing | null>("oxide/ptx", { uri: uri.toString() });
    if (listing !== undefined && listing !== null) {
      this.take(uri, listing);
    }
  }

  private take(uri: Uri, listing: Listing): void {
    this.listings.set(uri.toString(), listing);
    this.dim(listing.source);
    const active = window.activeTextEditor;
    if (active !== undefined) {
      this.follow(active, active.selection.active.line, false);
    }
  }

  private async seen(editors: readonly TextEditor[]): Promise<void> {
    const sources = new Set([...this.listings.values()].map(({ source }) => source));
    sources.forEach((source) => this.dim(source));
    for (const { document } of editors) {
      if (document.uri.scheme === SCHEME && !this.listings.has(document.uri.toString())) {
        await this.fetch(document.uri);
      }
    }
  }

  /** Until the server answers, lines below an edit move with it. */
  private edited({ document, contentChanges }: TextDocumentChangeEvent): void {
    const uri = document.uri.toString();
    if (document.uri.scheme === SCHEME) {
      const listing = this.listings.get(uri);
      const active = window.activeTextEditor;
      if (listing !== undefined && active !== undefined) {
        this.follow(active, active.selection.active.line, false);
      }
      return;
    }
    for (const [name, listing] of this.listings) {
      if (listing.source !== uri) {
        continue;
      }
      for (const { range, text } of contentChanges) {
        const shift = text.split("\n").length - 1 - (range.end.line - range.start.line);
        const moved = (line: number) => (line > range.end.line ? line + shift : line);
        this.listings.set(name, {
          ...listing,
          lines: listing.lines.map((line) => (line === null ? null : moved(line))),
          dead: listing.dead.map(moved),
        });
      }
    }
  }

  // ---------------------------------------------------------------- what is shown of it

  /** Dim statements that became no code, while their code is beside them. */
  private dim(source: string): void {
    const shown = window.visibleTextEditors
      .map(({ document }) => this.listings.get(document.uri.toString()))
      .filter((listing) => listing?.source === source);
    const dead = new Set(shown.flatMap((listing) => listing?.dead ?? []));
    for (const editor of editorsOf(source)) {
      editor.setDecorations(this.dead, [...dead].flatMap((line) => textOf(editor.document, line)));
    }
  }

  /** Mark, on the other side, what belongs to a line of this editor. */
  private follow(editor: TextEditor, line: number, reveals = true): void {
    const uri = editor.document.uri.toString();
    const listing = this.listings.get(uri);
    if (listing !== undefined) {
      if (!agrees(editor.document, listing)) {
        return;
      }
      const place = listing.lines[line];
      const lines = place === null || place === undefined ? [] : [place];
      editorsOf(listing.source).forEach((other) => this.mark(other, lines, reveals));
      this.mark(editor, lines.length > 0 ? linesFrom(listing, lines[0] ?? 0) : [], false);
      return;
    }
    for (const other of window.visibleTextEditors) {
      const compiled = this.listings.get(other.document.uri.toString());
      if (compiled?.source === uri && agrees(other.document, compiled)) {
        const lines = linesFrom(compiled, line);
        this.mark(other, lines, reveals);
        this.mark(editor, lines.length > 0 ? [line] : [], false);
      }
    }
  }

  private mark(editor: TextEditor, lines: number[], reveals: boolean): void {
    editor.setDecorations(this.linked, lines.map((line) => new Range(line, 0, line, 0)));
    const [first] = lines;
    if (reveals && first !== undefined) {
      editor.revealRange(new Range(first, 0, first, 0), TextEditorRevealType.InCenterIfOutsideViewport);
    }
  }
}

function editorsOf(uri: string): TextEditor[] {
  return window.visibleTextEditors.filter(({ document }) => document.uri.toString() === uri);
}

function linesFrom(listing: Listing, line: number): number[] {
  return listing.lines.flatMap((place, number) => (place === line ? [number] : []));
}

/** Whether the document has already the text that the listing speaks of. */
function agrees(document: TextDocument, { lines }: Listing): boolean {
  return document.lineCount === lines.length + 1;
}

function textOf(document: TextDocument, line: number): Range[] {
  if (line >= document.lineCount) {
    return [];
  }
  const { firstNonWhitespaceCharacterIndex: start, range } = document.lineAt(line);
  return [new Range(line, start, line, range.end.character)];
}
