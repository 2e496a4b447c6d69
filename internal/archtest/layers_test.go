package archtest

// row says what one package may import of ours.
type row struct {
	pkg     string   // from the top of the repository
	layer   string   // as internal/README.md draws it
	imports []string // what its code may import
	tests   []string // what its tests may import besides, where it is fenced
	planned string   // the issue that brings it, while it is not there
	why     string
}

// layers is the house from left to right: a package imports only what stands
// above it here, and of that only what its row names.
func layers() []row {
	return []row{
		{pkg: "internal/archtest", layer: "L0", why: "it reads code and runs none of it"},

		{pkg: "resources", layer: "L0", why: "files that the program carries along, without code"},
		{pkg: "internal/tts", layer: "L0",
			why: "the domain depends on nothing, so that everything may depend on it"},
		{pkg: "internal/atomicfile", layer: "L0", imports: []string{"internal/tts"},
			why: "a file that is whole or absent is needed everywhere and knows no file's content"},

		{pkg: "internal/safetensors", layer: "L1", imports: []string{"internal/tts"},
			why: "the check of hostile files stays small enough to be read in one sitting"},
		{pkg: "internal/tokenizer", layer: "L1", imports: []string{"internal/tts"},
			why: "text in, ids out"},
		{pkg: "internal/textplan", layer: "L1",
			why: "where a text may be cut is a question about writing, not about models"},
		{pkg: "internal/runaway", layer: "L1", imports: []string{"internal/tts", "internal/textplan"},
			why: "whether speech should have ended shows in codes and sound, whichever model made them"},
		{pkg: "internal/audio", layer: "L1", imports: []string{"internal/tts", "internal/atomicfile"},
			why: "sound files in and out, without knowing what the sound is for"},
		{pkg: "internal/testkit/fakehub", layer: "L1",
			why: "a server that lies must not share code with those who catch it"},
		{pkg: "internal/hub", layer: "L1", imports: []string{"internal/tts", "internal/atomicfile"},
			why: "where models lie is no business of what they hold"},
		{pkg: "internal/playback", layer: "L1", imports: []string{"internal/tts", "internal/audio"},
			why: "sound goes out in one place, and knows only what it plays"},
		{pkg: "internal/recording", layer: "L1", imports: []string{"internal/tts", "internal/audio"},
			why: "sound comes in in one place, and knows only what it writes"},
		{pkg: "internal/memory", layer: "L1", imports: []string{"internal/tts"},
			why: "it asks the system, and nobody else does"},
		{pkg: "internal/history", layer: "L1", imports: []string{"internal/tts", "internal/atomicfile"},
			why: "what was spoken is remembered without knowing who shows it"},
		{pkg: "internal/logs", layer: "L1", imports: []string{"internal/tts"},
			why: "the line format is one decision"},
		{pkg: "internal/userdata", layer: "L1", imports: []string{"internal/tts", "internal/atomicfile", "internal/audio"},
			why: "the user's folders have one guard"},
		{pkg: "internal/voices", layer: "L1", imports: []string{"internal/tts", "internal/atomicfile", "internal/audio"},
			why: "a list that loses nothing is proved without models and without a wire"},

		{pkg: "mlxbridge", layer: "L2",
			why: "MLX's operations, without a word about speech"},
		{pkg: "internal/testkit", layer: "L2", tests: []string{"mlxbridge"},
			imports: []string{"mlxbridge", "internal/tts", "internal/safetensors", "internal/audio", "internal/atomicfile"},
			why:     "what tests share; it stands low, so that every layer's tests can use it"},
		{pkg: "internal/testkit/attack", layer: "L2", why: "it knows the wire and nothing behind it, as attackers do"},
		{pkg: "internal/nn", layer: "L2", imports: []string{"mlxbridge", "internal/tts", "internal/safetensors"},
			why: "layers of any network: no model, no text, no sound"},
		{pkg: "internal/sample", layer: "L2", imports: []string{"mlxbridge", "internal/tts", "internal/nn"},
			why: "choosing a token is the same for talker and predictor"},
		{pkg: "internal/qwen3tts", layer: "L2",
			imports: []string{"mlxbridge", "internal/tts", "internal/atomicfile", "internal/safetensors", "internal/tokenizer", "internal/audio",
				"internal/nn", "internal/sample"},
			why: "the model: it knows tensors and prompts, neither requests nor HTTP"},

		{pkg: "internal/registry", layer: "L3", tests: []string{"internal/registry/registrytest"},
			imports: []string{"internal/tts", "internal/memory", "internal/logs"},
			why:     "the life of models is proved without MLX, against any loader"},
		{pkg: "internal/registry/registrytest", layer: "L3",
			imports: []string{"internal/tts", "internal/memory", "internal/logs", "internal/registry"},
			why:     "one contract that the fake loader and the engine both keep"},
		{pkg: "internal/jobs", layer: "L3", imports: []string{"internal/tts"},
			why: "whose turn it is has nothing to do with what is done in it"},
		{pkg: "internal/speech", layer: "L3",
			imports: []string{"internal/tts", "internal/atomicfile", "internal/textplan", "internal/runaway", "internal/audio",
				"internal/memory", "internal/logs", "internal/userdata", "internal/voices", "internal/registry", "internal/jobs"},
			why: "one utterance from file to file, the same for server and command line"},
		{pkg: "internal/speech/servicetest", layer: "L3", imports: []string{"internal/tts", "internal/registry/registrytest"},
			why: "one contract that the service of this process and a server's client both keep"},
		{pkg: "internal/engine", layer: "L3",
			imports: []string{"mlxbridge", "internal/tts", "internal/safetensors", "internal/tokenizer", "internal/audio",
				"internal/hub", "internal/memory", "internal/logs", "internal/nn", "internal/sample", "internal/qwen3tts",
				"internal/registry", "internal/speech"},
			why: "it owns the MLX thread: whoever else touched MLX would crash it"},
		{pkg: "internal/speed", layer: "L3", imports: []string{"mlxbridge", "internal/tts", "internal/memory", "internal/qwen3tts"},
			why: "a benchmark looks inside what it measures; the tool and the command print the same figures"},

		{pkg: "internal/server", layer: "L4", imports: []string{"resources", "internal/tts", "internal/atomicfile", "internal/audio", "internal/memory", "internal/logs"},
			why: "it serves any tts.Service: the wire is a contract, not a view of the inside"},
		{pkg: "internal/client", layer: "L4", imports: []string{"internal/tts"},
			why: "it never imports the server: the wire is the contract"},
		{pkg: "internal/instance", layer: "L4", imports: []string{"internal/tts", "internal/atomicfile", "internal/client"},
			why: "it sees a running TTSUI from outside, as any other program does"},

		{pkg: "internal/ui", layer: "L5", imports: []string{"internal/tts", "internal/history"},
			why: "view-models are proved without a window; what they show of the past are history's entries"},
		{pkg: "internal/layout", layer: "L5", imports: []string{"internal/tts", "internal/ui"},
			why: "where things stand is arithmetic, and proved without a window"},
		{pkg: "internal/tools/gnustep/screen", layer: "L5", why: "a hand and a camera know nothing of what they touch"},
		{pkg: "internal/cocoa", layer: "L5", imports: []string{"internal/tts", "internal/ui", "internal/layout"},
			why: "thin views: what can be decided elsewhere is"},

		{pkg: "internal/app", layer: "L6",
			imports: []string{"internal/tts", "internal/audio", "internal/hub", "internal/memory", "internal/logs",
				"internal/userdata", "internal/voices", "internal/registry", "internal/jobs", "internal/speech", "internal/engine",
				"internal/server", "internal/instance"},
			why: "the one place where parts meet"},
		{pkg: "internal/desktop", layer: "L6",
			imports: []string{"internal/tts", "internal/audio", "internal/history", "internal/hub", "internal/playback", "internal/recording", "internal/textplan", "internal/userdata", "internal/client", "internal/ui", "internal/app"},
			why:     "what the window works with, without a window"},
		{pkg: "cmd/ttsui", layer: "L6",
			imports: []string{"internal/tts", "internal/audio", "internal/logs", "internal/hub", "internal/speed", "internal/ui", "internal/cocoa", "internal/app", "internal/desktop"},
			why:     "it turns words into app.Config and starts it; models are fetched, measured and removed without starting anything"},
		{pkg: "internal/tools/darwinkit", layer: "L6", why: "it shows what darwinkit does to memory, without anything of ours"},
		{pkg: "internal/tools/darwinkit/probe", layer: "L6", why: "the program that is built with and without the cures"},
		{pkg: "internal/tools/macapp/machfile", layer: "L6", why: "a Mac's programs are read where there is no Mac"},
		{pkg: "internal/tools/macapp/typecheck", layer: "L6", why: "it looks at sources and runs none"},
		{pkg: "internal/tools/macapp/codesign", layer: "L6", imports: []string{"internal/tools/macapp/machfile"},
			why: "signatures, made and checked without a Mac"},
		{pkg: "internal/tools/macapp/sysroot", layer: "L6", imports: []string{"internal/tools/macapp/machfile"},
			why: "stubs of the system to link with"},
		{pkg: "internal/tools/macapp/bundle", layer: "L6", imports: []string{"internal/tools/macapp/codesign"},
			why: "what lies where in the app"},
		{pkg: "internal/tools/macapp/check", layer: "L6", imports: []string{"internal/tools/macapp/machfile", "internal/tools/macapp/codesign"},
			why: "it looks at the app that comes out, and not at how it was made"},
		{pkg: "internal/tools/uitest", layer: "L6", imports: []string{"internal/tts", "internal/client", "internal/testkit", "internal/tools/gnustep/screen"},
			why: "it sees the real program's window from outside, as its users do"},
		{pkg: "internal/tools/bench", layer: "L6", imports: []string{"internal/testkit", "internal/speed"},
			why: "it makes checkpoints and brings other programs; what is measured is speed's"},
		{pkg: "internal/tools/soak", layer: "L6",
			imports: []string{"internal/tts", "internal/atomicfile", "internal/testkit", "internal/testkit/attack", "internal/testkit/fakehub", "internal/client"},
			why:     "it sees the real program from outside, as its users do"},
	}
}

// fences are packages that even a test imports only where its row says so.
func fences() map[string]string {
	return map[string]string{
		"mlxbridge":       "MLX belongs to one thread, which the packages of numbers and the engine share",
		"internal/engine": "only app brings the engine in; elsewhere a fake loader keeps tests fast and without MLX",
		"internal/app":    "nothing but cmd and desktop starts the whole",
	}
}
