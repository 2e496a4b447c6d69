package tts

import "context"

// Damage is a file of a model that isn't as it should be.
type Damage struct {
	Name    string `json:"name"`
	Problem string `json:"problem"`        // "has the wrong checksum"
	Kept    bool   `json:"kept,omitempty"` // it lies in a folder of the user's, where Repair replaces nothing
}

// Verifier looks after the files of models.
type Verifier interface {
	// Verify reads all files of a model on this machine and compares them with their checksums, whether it is loaded or
	// not. Meanwhile its record has Verifying. It gives what is wrong, nothing when all is well. The end of ctx ends the
	// work, which is an error of CodeCanceled.
	Verify(ctx context.Context, modelID string) ([]Damage, error)

	// Repair verifies a model that isn't in memory, fetches again what is bad, and returns its record, which is Unloaded
	// when all is well, or has failed. Meanwhile the model is Loading, at PhaseVerifying or PhaseDownloading; an Unload of
	// it stops the work, which is an error of CodeCanceled. The end of ctx ends the waiting, not the work.
	Repair(ctx context.Context, modelID string) (ModelInfo, error)
}
