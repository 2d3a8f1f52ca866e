%%
start: 'a' | start 'a';
