package ui

import (
	"strings"
	"time"

	"ttsui/internal/tts"
)

// Snapshot is all that the window shows at one moment, texts included. Nobody changes a snapshot or what it points to.
type Snapshot struct {
	Tab          tts.Mode // the one that is seen
	Clone        Tab
	Control      Tab
	Design       Tab
	Status       Status
	Log          Log
	Player       PlayerPanel // of the tab that is seen
	Settings     SettingsPanel
	Menu         Menu
	VoiceForm    *VoiceForm // the form in which a voice gets its name, nil while none is open
	Alert        *Alert     // the sheet to show, nil for none; answered by App.AnswerAlert
	Busy         bool       // a generation runs or waits: who quits is asked first
	Working      bool       // speech is made, or a model comes: the machine should not doze off meanwhile
	QuitQuestion Alert      // what to ask then; its first button means quit. It is not answered by AnswerAlert
}

// Of gives the tab of a mode.
func (s *Snapshot) Of(mode tts.Mode) *Tab {
	switch mode {
	case tts.Control:
		return &s.Control
	case tts.Design:
		return &s.Design
	}
	return &s.Clone
}

// Selected is the tab that is seen.
func (s *Snapshot) Selected() *Tab { return s.Of(s.Tab) }

// Role is what a colour means.
type Role string

// The roles.
const (
	Normal   Role = ""
	Quiet    Role = "quiet"    // grey
	Good     Role = "good"     // green
	Caution  Role = "caution"  // orange
	Danger   Role = "danger"   // red
	Critical Role = "critical" // red and bold
)

// Button is a button or a menu item.
type Button struct {
	Title   string
	Enabled bool
	Tooltip string // why it can't be pressed, or what it does
}

// Field is a text that the user edits. While the user types the view owns it: a view replaces its text with Text only
// when it sees a new Rev, as that grows only when the text changed otherwise.
type Field struct {
	Label       string // "" when the tab has no such field
	Placeholder string
	Text        string
	Rev         int
	Count       string // "12 characters"
	Problem     string // what is wrong with the text, "" when nothing is
}

// Choice is a line of a menu.
type Choice struct {
	ID     string
	Title  string
	Detail string // what it stands for, "" when Title says it
}

// Choices is a menu of which one line is chosen. It has no lines where a tab has no such menu.
type Choices struct {
	Label  string
	List   []Choice
	Chosen string // an ID
}

// Tab is one of the three ways to choose a voice.
type Tab struct {
	Mode    tts.Mode
	Title   string
	Caption string

	ModelsTitle string
	Models      []Row  // empty until the server has told
	ModelsNote  string // why there are none, "" when there are

	Voice         VoiceBox      // Clone
	Reference     Reference     // Clone, without a saved voice
	Recorder      RecorderPanel // Clone
	RefText       Field         // Clone, without a saved voice
	Tail          Check         // Clone, with a transcript
	Language      Choices       // Control and Design
	Speaker       Choices       // Control
	Instruct      Field         // Control: style; Design: the voice
	Examples      []string      // for Instruct, inserted by App.InsertExample
	ExamplesTitle string
	Text          Field
	Sampling      SamplingPanel

	Live     Check // App.CheckLive
	Generate Button
	Stop     Button
	SaveAs   Button
	SaveName string // proposed by the panel for Save As
	Progress string // of the generation, "" when none runs
	Error    *Problem
	Result   *Result
	KeepSeed Button // speaks with the seed of Result from now on: App.KeepSeed
	History  HistoryPanel
	Freeze   Button // keeps the voice of Result; without a title where that can't be

	Takes       TakesPanel
	Segments    SegmentsPanel
	ProgressBar ProgressBar
}

// Disclosure is the title of something that can be opened.
type Disclosure struct {
	Title string
	Open  bool
}

// Problem is something that went wrong, for the user.
type Problem struct {
	Text string
	Hint string // what to do about it
}

// Check is a box to be checked. It isn't there without a title.
type Check struct {
	Title   string
	On      bool
	Tooltip string
}

// VoiceBox is where a saved voice is chosen.
type VoiceBox struct {
	Menu    Choices // "(No Speaker)", with an ID of "", and the saved voices
	Chosen  bool    // one of them is, and has Audio, Text, Rename, Replace and Delete
	Audio   string  // "Audio: me.wav"
	Text    string  // what is said in it
	Note    string  // what is wrong, "" when nothing is
	Save    Button  // without a title when a voice is chosen
	Rename  Button
	Replace Button // of Audio
	Delete  Button
}

// VoiceForm is a small window in which a voice gets its name: App.EditVoiceName, App.EditVoiceText,
// App.SubmitVoice, App.CancelVoice.
type VoiceForm struct {
	ID        int // of this form; another one is begun anew
	Title     string
	Name      Field // with a Count such as "4/16"
	CountRole Role
	File      string // the name of its audio
	Text      Field  // what is said in it; without a Label, as the two buttons without a Title, where the audio is given
	Browse    Button // for audio: App.ChooseVoiceClip
	Recorded  Button // takes the newest recording: App.UseRecordedClip
	Save      Button
	Cancel    Button
}

// RecorderPanel records reference clips.
type RecorderPanel struct {
	Record    Button // titled Record, or Stop with how long it is
	Recording bool
	Level     float64 // of the meter, in [0, 1]
	Use       Button  // of what was recorded
	Latest    string  // "Latest: me.wav", "" when there is none
	Device    Choices // the microphones, when there are several
}

// Reference is the clip whose voice is cloned.
type Reference struct {
	Label    string    // "" when a saved voice is chosen
	Path     string    // "" when none is chosen
	Text     string    // "Using: me.wav · 0:12", or how to choose one
	Studied  bool      // it was looked at, and has Peaks
	Peaks    []float32 // the picture of its sound, each in [0, 1]
	Warnings []Problem // what makes a worse voice of it
	Trim     Button    // takes the best part, or the whole clip again; without a title where there is nothing to gain
}

// Row is a model. All of it can be clicked to choose the model (App.ClickRow), but its button (App.ClickRowButton).
type Row struct {
	ModelID   string
	Name      string
	Checked   bool
	Choosable bool // a click chooses it
	Dimmed    bool
	Action    Button   // Load, Resume, Unload or Retry; while Busy says what goes on Pause or Cancel, or no title where that can't be stopped
	Colour    Role     // of Action
	Busy      string   // beside a spinner: Loading..., Unloading..., or how far a download or a check is
	Note      string   // in its place, without a spinner: how much of a paused download is here
	Error     string   // beneath, in red
	Menu      []Choice // what else can be done with it (App.ChooseRowMenu), nil for nothing
	Tooltip   string
}

// Result is what a generation made.
type Result struct {
	Title  string
	Path   string
	Name   string
	Size   string // "576 KB"
	Length string // "0:12"
	Seed   string // that was used
	Note   string // what the user should know about it, such as that it was cut off
}

// ServerState is where the server is in its life.
type ServerState string

// The states of the server.
const (
	ServerStarting    ServerState = "starting"
	ServerRunning     ServerState = "running"
	ServerUnreachable ServerState = "unreachable" // it may answer again by itself
	ServerFailed      ServerState = "failed"      // it could not be started
	ServerStopping    ServerState = "stopping"
)

// Status is how the server does.
type Status struct {
	State   ServerState
	Text    string // "Running on 127.0.0.1:8765"
	Hint    string // what to do when something is wrong
	Role    Role
	Address string // "127.0.0.1:8765", "" while there is none
	Port    string // of Address
	Memory  string // "RSS 2.2 GB"
	Speed   string // of the last generation: "1.4× real time"
	Queue   string // "2 waiting"
	Notice  string // what the start of the server had to say
	Engine  string // "MLX 0.32.4 on the GPU", "" until it is known
	Tooltip string // memory in detail
	Retry   Button // starts the server again after it failed to: App.RetryStart
}

// LogLine is an entry of the log.
type LogLine struct {
	Seq    uint64 // grows by the line
	Stamp  string // 2024-01-15 10:30:45,123
	Level  string
	Text   string // what the server said
	Role   Role
	always bool // every filter lets it through
}

// Show is the line as the panel has it.
func (l LogLine) Show() string {
	stamp := l.Stamp
	if _, clock, ok := strings.Cut(stamp, " "); ok {
		stamp, _, _ = strings.Cut(clock, ",")
	}
	return stamp + "  " + l.Level + "  " + l.Text
}

// Log is the panel of the log. A view that has shown Rev before appends the lines with a Seq that is new to it, and
// removes those that come before the first; with another Rev it begins anew.
type Log struct {
	Title  string
	Lines  []LogLine // those that Filter lets through, at most 1,000
	Rev    int
	Filter Choices
	Copy   Button // of CopyText
	Clear  Button
	Note   string // "" or what is wrong with the log itself
}

// CopyText is the lines as the log file has them.
func (l *Log) CopyText() string {
	var b strings.Builder
	for _, line := range l.Lines {
		b.WriteString(line.Stamp + " | " + line.Level + " | " + line.Text + "\n")
	}
	return b.String()
}

// PlayerPanel plays the result of a tab.
type PlayerPanel struct {
	Visible  bool
	Path     string // what is played; "" while that is still made
	Name     string
	Play     Button // titled Play or Pause
	Back     Button // 10 seconds
	Forward  Button // 10 seconds
	Playing  bool
	Growing  bool // it is still made
	Position time.Duration
	Length   time.Duration
	Time     string    // "0:03 / 0:12"
	Volume   float64   // from 0 to 1: App.SetVolume
	Peaks    []float32 // the picture of the sound, each in [0, 1]; empty until it is known
	Error    string    // why it can't be played
}

// SettingKey names a setting.
type SettingKey string

// The settings.
const (
	SettingPort     SettingKey = "port"
	SettingModels   SettingKey = "models_folder"
	SettingOutput   SettingKey = "output_folder"
	SettingTimeout  SettingKey = "timeout_minutes"
	SettingMirrors  SettingKey = "mirrors"
	SettingLogLevel SettingKey = "log_level"
)

// Setting is a line of the settings. Its Field has the Problem with what was typed; the value before holds meanwhile.
type Setting struct {
	Key     SettingKey
	Field   Field
	Choices Choices // when there are only these
	Folder  bool    // a folder may be browsed for
}

// SettingsPanel is the window of the settings.
type SettingsPanel struct {
	List    []Setting
	Note    string // that they hold from the next start
	Restart Button // App.RestartServer
}

// Menu is what the menu bar can do now, for the tab that is seen.
type Menu struct {
	Generate Button
	Stop     Button
	Play     Button
	Back     Button
	Forward  Button
	SaveAs   Button
	Reveal   Button // Show in Finder, of Player.Path
	CopyLog  Button
	ClearLog Button
	Restart  Button // the server
	Docs     Button // Status.DocsURL in a browser
}

// DocsURL is the page that describes the server's endpoints, "" while there is no server.
func (s *Status) DocsURL() string {
	if s.Address == "" {
		return ""
	}
	return "http://" + s.Address + "/docs"
}

// Alert is a sheet with a question or a message.
type Alert struct {
	ID      int
	Title   string
	Text    string
	Buttons []AlertButton // the first is the default
}

// AlertButton answers an Alert.
type AlertButton struct {
	Title  string
	Role   Role
	Cancel bool // also by Escape
}
