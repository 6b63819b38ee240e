import 'melody/player';

document.body.innerHTML = '<melody-player prompt="calm piano, 80 bpm" src="weights/melody-small/"></melody-player>';
