// Package resources holds what the program carries along besides its code.
package resources

import _ "embed"

// OpenAPI describes the server's endpoints, as OpenAPI 3.1 in YAML.
//
//go:embed openapi.yaml
var OpenAPI string

// DocsPage is the template of the page that shows OpenAPI to people.
//
//go:embed docs.html.tmpl
var DocsPage string

// DocsStyle is that page's style sheet.
//
//go:embed docs.css
var DocsStyle string
