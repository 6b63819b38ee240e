import 'melody/player';

document.body.innerHTML = '<melody-player controls prompt="calm piano, 80 bpm" src="weights/melody-small/"></melody-player>';
