// TinyMCE, by the commands of its toolbar; it is served beside this page.
await new Promise((resolve) => {
  const script = document.createElement("script");
  script.src = "/node_modules/tinymce/tinymce.min.js";
  script.onload = resolve;
  document.head.append(script);
});
const [editor] = await tinymce.init({
  selector: "#editor",
  license_key: "gpl",
  base_url: "/node_modules/tinymce",
  suffix: ".min",
  plugins: "accordion advlist autolink codesample image link lists media table directionality pagebreak",
  promotion: false,
});
const run = (name, value) => editor.execCommand(name, false, value);
window.steps = [
  () => run("FormatBlock", "h1"), "Title", "Enter", "Hello ", () => run("Bold"), "bold", () => run("Bold"),
  () => run("Underline"), " under", () => run("Underline"), () => run("Strikethrough"), " struck",
  () => run("Strikethrough"), "Enter",
  () => run("JustifyCenter"), () => run("ForeColor", "#e03e2d"), () => run("HiliteColor", "#fbeeb8"),
  () => run("FontName", "georgia, palatino, serif"), () => run("FontSize", "18pt"), "coloured", "Enter",
  () => run("RemoveFormat"), () => run("JustifyLeft"), () => run("Indent"), "indented", "Enter", () => run("Outdent"),
  () => run("InsertUnorderedList"), "one", "Enter", "two", "Enter", "Enter",
  () => run("InsertOrderedList", { "list-style-type": "lower-alpha" }), "first", "Enter", "Enter",
  () => run("mceBlockQuote"), "quoted", "Enter", () => run("mceBlockQuote"),
  () => run("mceDirectionRTL"), "שלום", "Enter", () => run("mceDirectionLTR"),
  () => run("mceInsertTable", { rows: 2, columns: 2, options: { headerRows: 1 } }),
  () => editor.selection.select(editor.getBody(), true), () => editor.selection.collapse(false),
  () => editor.insertContent('<p><img src="https://example.com/x.png" alt="x" width="10" height="20"'
    + ' style="float: left;"> <a href="https://example.com/" target="_blank">a link</a></p>'),
  () => editor.insertContent('<p><iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ" width="560"'
    + ' height="314" allowfullscreen="allowfullscreen"></iframe></p>'),
  () => editor.insertContent('<pre class="language-python"><code>print(1)</code></pre><p>x</p>'),
  () => run("InsertAccordion"),
];
window.written = () => editor.getContent();
editor.focus();
window.ready = true;
