%%{ machine m; main := 'a'* 'b'; }%%
%% write data;
