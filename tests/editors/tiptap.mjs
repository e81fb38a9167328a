// Tiptap 3, whose input rules format what is typed.
import { Editor } from "@tiptap/core";
import { Details, DetailsContent, DetailsSummary } from "@tiptap/extension-details";
import { Highlight } from "@tiptap/extension-highlight";
import { Image } from "@tiptap/extension-image";
import { TaskItem, TaskList } from "@tiptap/extension-list";
import { Mention } from "@tiptap/extension-mention";
import { TableKit } from "@tiptap/extension-table";
import { TextAlign } from "@tiptap/extension-text-align";
import { TextStyleKit } from "@tiptap/extension-text-style";
import { Youtube } from "@tiptap/extension-youtube";
import { StarterKit } from "@tiptap/starter-kit";

const editor = new Editor({
  element: document.querySelector("#editor"),
  extensions: [
    StarterKit, Highlight.configure({ multicolor: true }), Image, TaskList, TaskItem, Mention,
    TableKit.configure({ table: { resizable: true } }), TextStyleKit, Youtube,
    TextAlign.configure({ types: ["heading", "paragraph"] }), Details, DetailsContent, DetailsSummary,
  ],
});
const run = (name, ...rest) => editor.chain().focus()[name](...rest).run();
const after = () => editor.chain().insertContentAt(editor.state.doc.content.size, "<p></p>").focus("end").run();
window.steps = [
  "# Title", "Enter", "Hello **bold** and *thin* and `code` ", "Enter",
  () => run("setTextAlign", "center"), () => run("setColor", "#958DF1"), () => run("setFontFamily", "Georgia"),
  () => run("setFontSize", "20px"), () => run("setBackgroundColor", "#ffff00"), "coloured", "Enter",
  () => run("unsetAllMarks"), () => run("setHighlight", { color: "#ffc078" }), "marked", "Enter",
  () => run("unsetAllMarks"), () => run("setTextAlign", "left"),
  "- one", "Enter", "two", "Enter", "Enter", "3. third", "Enter", "Enter",
  "[x] done", "Enter", "to do", "Enter", "Enter", "> quoted", "Enter", "Enter",
  () => run("toggleUnderline"), "under", () => run("toggleUnderline"), "Enter",
  () => run("insertContent", '<a href="https://example.com/">a link</a> '),
  () => run("insertContent", { type: "mention", attrs: { id: "7", label: "Joe" } }), after,
  () => run("insertTable", { rows: 2, cols: 2, withHeaderRow: true }), "cell", after,
  () => run("setImage", { src: "https://example.com/x.png", alt: "x", width: 10, height: 20 }), after,
  () => run("setYoutubeVideo", { src: "https://www.youtube.com/watch?v=dQw4w9WgXcQ" }), after,
  () => run("setDetails"), "summary", after, () => run("setHorizontalRule"), after,
  "```python ", "print(1)",
];
window.written = () => editor.getHTML();
editor.commands.focus();
window.ready = true;
