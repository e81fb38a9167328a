// Trix 2, by the commands of its toolbar.
import Trix from "trix";

window.Trix = Trix;
document.querySelector("#editor").innerHTML =
  '<input id="x" type="hidden"><trix-editor input="x"></trix-editor>';
const element = document.querySelector("trix-editor");
const on = (name) => element.editor.activateAttribute(name);
const off = (name) => element.editor.deactivateAttribute(name);
window.steps = [
  () => on("heading1"), "Title", "Enter", "Hello ", () => on("bold"), "bold", () => off("bold"),
  () => on("italic"), " thin", () => off("italic"), () => on("strike"), " struck", () => off("strike"), "Enter",
  () => on("quote"), "quoted", "Enter", "Enter", () => on("bullet"), "one", "Enter", "two", "Enter", "Enter",
  () => on("number"), "first", "Enter", "Enter", () => on("code"), "print(1)", "Enter", "Enter", "Enter",
  () => element.editor.insertHTML('<a href="https://example.com/">a link</a>'), "Enter",
  () => element.editor.insertAttachment(new Trix.Attachment({
    contentType: "image/png", url: "https://example.com/x.png", href: "https://example.com/x.png",
    filename: "x.png", filesize: 1, width: 10, height: 10,
  })), "after",
];
window.written = () => document.querySelector("#x").value;
await new Promise((resolve) => (element.editor ? resolve() : element.addEventListener("trix-initialize", resolve)));
element.focus();
window.ready = true;
