// CKEditor 5: what is typed formats itself, and the rest is what its toolbar would execute.
import * as ck from "ckeditor5";
import "ckeditor5/ckeditor5.css";

const plugins = "Essentials Paragraph Heading Autoformat Bold Italic Underline Strikethrough Subscript"
  + " Superscript Code CodeBlock Link List ListProperties TodoList Table TableProperties"
  + " TableCellProperties TableColumnResize Image ImageInsert ImageResize ImageStyle ImageCaption"
  + " MediaEmbed Mention Alignment Font Highlight BlockQuote HorizontalLine Indent IndentBlock"
  + " PageBreak TextPartLanguage";
const editor = await ck.ClassicEditor.create(document.querySelector("#editor"), {
  licenseKey: "GPL",
  plugins: plugins.split(" ").map((name) => ck[name]),
  mention: { feeds: [{ marker: "@", feed: ["@joe"] }] },
  language: { textPartLanguage: [{ title: "Hebrew", languageCode: "he" }] },
});
const run = (...command) => editor.execute(...command);
const atEnd = () => editor.model.change((writer) =>
  writer.setSelection(writer.createPositionAt(editor.model.document.getRoot(), "end")));
window.steps = [
  "## Title", "Enter", "Hello **bold** and _thin_ and `code`", "Enter",
  () => run("alignment", { value: "center" }), () => run("fontColor", { value: "hsl(0, 75%, 60%)" }),
  () => run("fontSize", { value: "big" }), () => run("fontFamily", { value: "Georgia, serif" }),
  "coloured", () => run("highlight", { value: "yellowMarker" }), "marked", "Enter",
  "- one", "Enter", "two", "Enter", "Enter", "1. first", "Enter",
  () => run("listStyle", { type: "lower-latin" }), "second", "Enter", "Enter",
  "[ ] to do", "Enter", () => run("checkTodoList"), "done", "Enter", "Enter",
  "> quoted", "Enter", "Enter",
  () => run("indentBlock"), "indented", "Enter",
  () => run("link", "https://example.com/"), "Enter",
  () => run("mention", { marker: "@", mention: "@joe" }), "Enter",
  () => run("textPartLanguage", { languageCode: "he" }), "שלום", "Enter",
  () => run("insertTable", { rows: 2, columns: 2, headingRows: 1 }), "cell",
  () => run("tableCellBackgroundColor", { value: "#fafafa" }), () => run("tableWidth", { value: "80%" }),
  () => run("tableBorderStyle", { value: "dashed" }), atEnd,
  () => run("insertParagraph", { position: editor.model.createPositionAt(editor.model.document.getRoot(), "end") }),
  atEnd, () => run("insertImage", { source: "https://example.com/x.png" }),
  () => run("resizeImage", { width: "50%" }), () => run("imageStyle", { value: "alignLeft" }),
  () => run("toggleImageCaption"), atEnd,
  () => run("insertParagraph", { position: editor.model.createPositionAt(editor.model.document.getRoot(), "end") }),
  atEnd, () => run("mediaEmbed", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"), atEnd,
  () => run("insertParagraph", { position: editor.model.createPositionAt(editor.model.document.getRoot(), "end") }),
  atEnd, () => run("pageBreak"),
  () => run("insertParagraph", { position: editor.model.createPositionAt(editor.model.document.getRoot(), "end") }),
  atEnd, () => run("codeBlock", { language: "python" }), "print(1)",
];
window.written = () => editor.getData();
editor.focus();
window.ready = true;
