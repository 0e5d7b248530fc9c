/** The page of a rule as a document of the server's, rendered. */

import { commands, languages, Uri, window } from "vscode";

/** Open the page of a rule: of the given one, else of one of the findings here, else ask. */
export async function explainRule(rule?: string): Promise<void> {
  const name = rule ?? (await chosen());
  if (name !== undefined && name !== "") {
    await commands.executeCommand("markdown.showPreview", pageOf(name));
  }
}

/** The page of a rule; editors show it rendered, as `workbench.editorAssociations` says. */
export function pageOf(rule: string): Uri {
  return Uri.from({ scheme: "oxide-rule", path: `/${rule}.md` });
}

async function chosen(): Promise<string | undefined> {
  const editor = window.activeTextEditor;
  const found = editor === undefined ? [] : languages.getDiagnostics(editor.document.uri);
  const ours = found.filter(({ source }) => source === "oxide");
  const here = ours.filter(({ range }) => editor !== undefined && range.intersection(editor.selection) !== undefined);
  const rules = new Set([...here, ...ours].map(({ code }) => String(typeof code === "object" ? code.value : code)));
  const [only] = rules;
  if (rules.size === 1 && here.length > 0) {
    return only;
  }
  const another = "Another rule…";
  const picked =
    rules.size === 0 ? another : await window.showQuickPick([...rules, another], { title: "Explain which rule?" });
  if (picked !== another) {
    return picked;
  }
  return window.showInputBox({ title: "Explain which rule?", placeHolder: "OX104, or shared-memory-race" });
}
