import * as pulumi from "@pulumi/pulumi";
import { Cabinet, Note, NoteArgs } from "../specimen";

const config = new pulumi.Config();

class Group extends pulumi.ComponentResource {
    constructor(name: string) {
        super("test:index:Group", name);
    }
}

/** What one of the tests asks for, as the options of the one component. */
function options(): pulumi.ComponentResourceOptions {
    switch (config.get("story")) {
        case "protected":
            return { protect: true, retainOnDelete: true };
        case "moved":
            return { parent: new Group("group"), aliases: [{ parent: pulumi.rootStackResource }] };
        case "renamed":
            return { aliases: [{ name: "cabinet" }] };
        case "patient":
            return { customTimeouts: { create: "45m", update: "1h30m" } };
        case "transformed":
            return {
                transforms: [
                    ({ type, props, opts }) => {
                        switch (type) {
                            case "specimen:index:Cabinet":
                                return { props: { ...props, label: "walnut" }, opts };
                            case "specimen:index:Note":
                                return { props: { ...(props as NoteArgs), priority: 7 }, opts };
                            default:
                                return undefined;
                        }
                    },
                ],
            };
        default:
            return {};
    }
}

const journal = config.get("journal");
const cabinet = new Cabinet(
    config.get("story") === "renamed" ? "closet" : "cabinet",
    { label: "oak", moving: journal === undefined ? undefined : { journal, steps: 2 } },
    options(),
);

new Note("beside", { title: "beside" });
new Note("after", { title: "after", body: cabinet.serial });

export const serial = cabinet.serial;
