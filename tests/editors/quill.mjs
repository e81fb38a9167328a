// Quill 2, with its own blots.
import Quill from "quill";

const quill = new Quill("#editor", { theme: "snow", modules: { toolbar: false } });
const embed = (kind, value) => {
  quill.insertEmbed(quill.getSelection(true).index, kind, value, "user");
  quill.setSelection(quill.getLength());
};
const set = (name, value) => quill.format(name, value, "user");
window.steps = [
  () => set("header", 1), "Title", "Enter", () => set("header", false),
  "Hello ", () => set("bold", true), "bold", () => set("bold", false), " plain", "Enter",
  () => set("align", "center"), () => set("color", "#e60000"), () => set("background", "#ffff00"),
  () => set("size", "large"), () => set("font", "serif"), "coloured", "Enter",
  () => set("align", false), () => set("indent", 2), "indented", "Enter", () => set("indent", false),
  () => set("direction", "rtl"), () => set("align", "right"), "שלום", "Enter",
  () => set("direction", false), () => set("align", false),
  () => set("list", "bullet"), "one", "Enter", "two", "Enter", () => set("list", "checked"), "done", "Enter",
  () => set("list", false), () => set("blockquote", true), "quoted", "Enter", () => set("blockquote", false),
  () => set("code-block", true), "print(1)", "Enter", () => set("code-block", false),
  () => set("script", "super"), "up", () => set("script", false),
  () => quill.insertText(quill.getSelection(true).index, "a link", "link", "https://example.com/", "user"),
  () => quill.setSelection(quill.getLength()), () => set("link", false), "Enter",
  () => embed("image", "https://example.com/x.png"),
  () => embed("video", "https://www.youtube.com/embed/dQw4w9WgXcQ"), "after",
];
window.written = () => quill.root.innerHTML;
quill.focus();
window.ready = true;
