package codesign

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ttsui/internal/tools/macapp/machfile"
)

// Seal signs a bundle as `codesign -s -` does: it lists the hashes of the bundle's files in
// Contents/_CodeSignature/CodeResources, and signs the program with the hash of that list in its signature. Libraries in
// the bundle must have been signed before.
func Seal(bundle string) error {
	contents := filepath.Join(bundle, "Contents")
	info, err := os.ReadFile(filepath.Join(contents, "Info.plist"))
	if err != nil {
		return err
	}
	program, identifier := value(info, "CFBundleExecutable"), value(info, "CFBundleIdentifier")
	if program == "" || identifier == "" {
		return errors.New("no program or no identifier in Info.plist")
	}
	resources, err := Resources(contents)
	if err != nil {
		return err
	}
	folder := filepath.Join(contents, "_CodeSignature")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "CodeResources"), resources, 0o644); err != nil {
		return err
	}
	name := filepath.Join(contents, "MacOS", program)
	code, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	signed, err := Sign(code, identifier, info, resources)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, signed, 0o755)
}

// value finds a text in a property list.
func value(plist []byte, key string) string {
	found := regexp.MustCompile(`<key>` + key + `</key>\s*<string>([^<]+)</string>`).FindSubmatch(plist)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// Resources makes the list of a bundle's files: data by their hashes, code by the hash of its own signature. The list
// begins with the first form of it, which old systems read, and ends with the rules that say what has to be in it;
// these are the ones that every application has.
func Resources(contents string) ([]byte, error) {
	old, err := entries(filepath.Join(contents, "Resources"), "Resources", oldData)
	if err != nil {
		return nil, err
	}
	code, err := entries(filepath.Join(contents, "Frameworks"), "Frameworks", nested)
	if err != nil {
		return nil, err
	}
	data, err := entries(filepath.Join(contents, "Resources"), "Resources", newData)
	if err != nil {
		return nil, err
	}
	return []byte(plistHead + dict("files", old) + dict("files2", code+data) + rules + "</dict>\n</plist>\n"), nil
}

const plistHead = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
`

func dict(name, body string) string { return "<key>" + name + "</key>\n<dict>\n" + body + "</dict>\n" }

// entries lists the files of a folder, each as the function describes it, in the order of their names.
func entries(folder, name string, describe func(file string) (string, error)) (string, error) {
	found, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var list strings.Builder
	for _, entry := range found {
		if !entry.Type().IsRegular() {
			return "", fmt.Errorf("%s/%s is no file: bundles with folders or links aren't sealed here", name, entry.Name())
		}
		text, err := describe(filepath.Join(folder, entry.Name()))
		if err != nil {
			return "", err
		}
		list.WriteString("<key>" + path.Join(name, entry.Name()) + "</key>\n" + text)
	}
	return list.String(), nil
}

func oldData(file string) (string, error) {
	text, err := os.ReadFile(file)
	sum := sha1.Sum(text)
	return data(sum[:]), err
}

func newData(file string) (string, error) {
	text, err := os.ReadFile(file)
	sum := sha256.Sum256(text)
	return "<dict>\n<key>hash2</key>\n" + data(sum[:]) + "</dict>\n", err
}

func nested(file string) (string, error) {
	f, err := machfile.Open(file)
	if err != nil {
		return "", err
	}
	d, err := Read(f.Signature)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return fmt.Sprintf("<dict>\n<key>cdhash</key>\n%s<key>requirement</key>\n<string>cdhash H\"%x\"</string>\n</dict>\n",
		data(d.Hash()), d.Hash()), nil
}

func data(sum []byte) string { return "<data>" + base64.StdEncoding.EncodeToString(sum) + "</data>\n" }

// rules are what the Mac's own tool writes when it is told nothing: which files are sealed, which need not be there,
// which are left out, and where code lies that has a signature of its own. The weight decides between two that match.
const rules = `<key>rules</key>
<dict>
<key>^Resources/</key><true/>
<key>^Resources/.*\.lproj/</key><dict><key>optional</key><true/><key>weight</key><real>1000</real></dict>
<key>^Resources/.*\.lproj/locversion.plist$</key><dict><key>omit</key><true/><key>weight</key><real>1100</real></dict>
<key>^Resources/Base\.lproj/</key><dict><key>weight</key><real>1010</real></dict>
<key>^version.plist$</key><true/>
</dict>
<key>rules2</key>
<dict>
<key>.*\.dSYM($|/)</key><dict><key>weight</key><real>11</real></dict>
<key>^(.*/)?\.DS_Store$</key><dict><key>omit</key><true/><key>weight</key><real>2000</real></dict>
<key>^(Frameworks|SharedFrameworks|PlugIns|Plug-ins|XPCServices|Helpers|MacOS|Library/(Automator|Spotlight|LoginItems))/</key>
<dict><key>nested</key><true/><key>weight</key><real>10</real></dict>
<key>^.*</key><true/>
<key>^Info\.plist$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>
<key>^PkgInfo$</key><dict><key>omit</key><true/><key>weight</key><real>20</real></dict>
<key>^Resources/</key><dict><key>weight</key><real>20</real></dict>
<key>^Resources/.*\.lproj/</key><dict><key>optional</key><true/><key>weight</key><real>1000</real></dict>
<key>^Resources/.*\.lproj/locversion.plist$</key><dict><key>omit</key><true/><key>weight</key><real>1100</real></dict>
<key>^Resources/Base\.lproj/</key><dict><key>weight</key><real>1010</real></dict>
<key>^[^/]+$</key><dict><key>nested</key><true/><key>weight</key><real>10</real></dict>
<key>^embedded\.provisionprofile$</key><dict><key>weight</key><real>20</real></dict>
<key>^version\.plist$</key><dict><key>weight</key><real>20</real></dict>
</dict>
`
