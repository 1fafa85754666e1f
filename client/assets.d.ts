/** The built client as texts, by the names of its files. Made by the build. */
export declare const ASSETS: Readonly<Record<string, string>>
