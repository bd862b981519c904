import { Cabinet, Note, Shelf } from "../specimen";

const first = new Note("first", { title: "first" });

const cabinet = new Cabinet("cabinet", { label: first.id, password: first.digest });
const shelf = new Shelf("shelf", { size: 2, prefix: cabinet.serial });

new Note("last", {
    title: cabinet.digest,
    body: shelf.ids.apply(ids => ids.join(" ")),
    priority: first.revision,
    lines: [{ text: cabinet.serial }],
    labels: { key: cabinet.key },
});
