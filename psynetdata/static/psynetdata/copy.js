// "Copy as R": copies the text next to the button to the clipboard, or selects it if the browser does not allow that.
document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const box = button.parentElement.querySelector("pre");
    try {
        await navigator.clipboard.writeText(box.textContent);
        const before = button.textContent;
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = before), 1500);
    } catch {
        getSelection().selectAllChildren(box);
    }
});
