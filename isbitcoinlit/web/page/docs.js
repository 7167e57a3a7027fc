// The API, to try out.

globalThis.SwaggerUIBundle?.({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  syntaxHighlight: { theme: "nord" },
});
