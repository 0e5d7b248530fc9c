/**
 * Memory spaces and divergent code, drawn over the colours that a file has anyway.
 *
 * VS Code takes the semantic tokens of one extension for a whole file, so ours would take away
 * those of Python's own. They are taken here instead, and none are handed on.
 */

import {
  CancellationToken,
  DecorationRenderOptions,
  Disposable,
  Range,
  SemanticTokens,
  TextDocument,
  TextEditor,
  TextEditorDecorationType,
  ThemeColor,
  window,
  workspace,
} from "vscode";
import { DocumentSemanticsTokensSignature, LanguageClient } from "vscode-languageclient/node";

// Global memory is what most arrays are in: it keeps its colour.
const STYLES: Readonly<Record<string, DecorationRenderOptions>> = {
  sharedMemory: { color: new ThemeColor("oxide.sharedMemoryForeground") },
  localMemory: { color: new ThemeColor("oxide.localMemoryForeground") },
  constantMemory: { color: new ThemeColor("oxide.constantMemoryForeground") },
  divergent: { backgroundColor: new ThemeColor("oxide.divergentBackground") },
  divergentWarps: { backgroundColor: new ThemeColor("oxide.divergentWarpsBackground") },
};

// These are joined where no other word stands between.
const GROUNDS = ["divergent", "divergentWarps"];
const OTHER_WORD = /(?<![.\w])\w/;

// A token is five numbers: lines and characters since the last one, length, type, modifiers.
const NUMBERS = 5;

type Marks = ReadonlyMap<string, Range[]>;

export class Highlighting implements Disposable {
  private client: LanguageClient | undefined;
  private readonly marks = new Map<string, Marks>();
  private readonly styles: ReadonlyMap<string, TextEditorDecorationType> = new Map(
    Object.entries(STYLES).map(([name, style]) => [name, window.createTextEditorDecorationType(style)]),
  );
  private readonly disposables: Disposable[] = [
    ...this.styles.values(),
    window.onDidChangeVisibleTextEditors((editors) => editors.forEach((editor) => this.draw(editor))),
    workspace.onDidCloseTextDocument((document) => this.marks.delete(document.uri.toString())),
  ];

  /** There is another server, whose modifiers may have other numbers. */
  use(client: LanguageClient): void {
    this.client = client;
  }

  dispose(): void {
    Disposable.from(...this.disposables).dispose();
  }

  /** Take the tokens of a document and hand none on. */
  readonly take = async (
    document: TextDocument,
    token: CancellationToken,
    next: DocumentSemanticsTokensSignature,
  ): Promise<undefined> => {
    const version = document.version;
    const tokens = await next(document, token);
    if (token.isCancellationRequested || document.version !== version) {
      return undefined;
    }
    this.marks.set(document.uri.toString(), this.marksOf(document, tokens ?? undefined));
    for (const editor of window.visibleTextEditors) {
      if (editor.document === document) {
        this.draw(editor);
      }
    }
    return undefined;
  };

  private draw(editor: TextEditor): void {
    const marks = this.marks.get(editor.document.uri.toString());
    if (marks === undefined) {
      return;
    }
    for (const [name, style] of this.styles) {
      editor.setDecorations(style, marks.get(name) ?? []);
    }
  }

  private marksOf(document: TextDocument, tokens: SemanticTokens | undefined): Marks {
    const marks = new Map<string, Range[]>();
    const provider = this.client?.initializeResult?.capabilities.semanticTokensProvider;
    const modifiers = provider?.legend.tokenModifiers ?? [];
    const data = tokens?.data ?? new Uint32Array();
    let line = 0;
    let character = 0;
    for (let start = 0; start + NUMBERS <= data.length; start += NUMBERS) {
      const [lines = 0, characters = 0, length = 0, , bits = 0] = data.subarray(start, start + NUMBERS);
      line += lines;
      character = lines > 0 ? characters : character + characters;
      const range = new Range(line, character, line, character + length);
      modifiers.forEach((name: string, bit: number) => {
        if ((bits >> bit) & 1) {
          marks.set(name, [...(marks.get(name) ?? []), range]);
        }
      });
    }
    for (const name of GROUNDS) {
      marks.set(name, joined(document, marks.get(name) ?? []));
    }
    return marks;
  }
}

/** Ranges of neighbouring words as one. */
function joined(document: TextDocument, ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (const range of ranges) {
    const last = found.at(-1);
    const isNear = last?.end.line === range.start.line;
    if (last !== undefined && isNear && !OTHER_WORD.test(document.getText(new Range(last.end, range.start)))) {
      found[found.length - 1] = new Range(last.start, range.end);
    } else {
      found.push(range);
    }
  }
  return found;
}
