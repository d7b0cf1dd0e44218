/**
 * What this folder uses of highlight.js. Its own types would bring those of browsers into the whole
 * project.
 */
export type LanguageFn = (api: unknown) => unknown;

declare const hljs: {
  registerLanguage(name: string, language: LanguageFn): void;
  registerAliases(aliases: string[], options: { languageName: string }): void;
  getLanguage(name: string): unknown;
  highlight(code: string, options: { language: string }): { value: string };
};
export default hljs;
