// Package uitest uses the real program as its users do: the window of a GNUstep build on a display of its own, with the
// real server and tiny checkpoints, by mouse and keyboard. Each step is looked for in the views and on the server, and
// leaves a picture. make uitest builds the program, names it by $TTSUI_APP and runs the test on a display.
package uitest
