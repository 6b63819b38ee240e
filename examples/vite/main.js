import 'melody/player';
