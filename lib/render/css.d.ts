// Styles are bundled as text: `import style from "./report.css" with { type: "text" }`.
declare module "*.css" {
  const text: string;
  export default text;
}
